/**
 * How bytes become requests: Fastify, told to change nothing on the way in, with our routes on it. Which
 * tenant a request is for is decided here, before anything else, by its Host header.
 */
import { createServer, type Server } from 'node:https'
import type { TlsOptions } from 'node:tls'
import fastify, {
  errorCodes,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerFactory,
} from 'fastify'
import { PageError, ProtocolError } from '../kernel/errors.ts'
import { newSortableId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { Meter } from '../kernel/meter.ts'
import { endConnectionsWhenClosing } from './closing.ts'
import { type Cors, forSomeOrigins, openToAnyOrigin, openToOrigin, preflightAnswer } from './cors.ts'
import { createFaults, type ErrorPage } from './faults.ts'
import { documentOf, jsonOf, noParameters, type Parameters, parametersOfForm, parametersOfJson } from './parameters.ts'
import { answerPlainHttp } from './plain-http.ts'
import { logAnswers } from './request-log.ts'
import type { Answer, Incoming, Route } from './route.ts'
import { endWhenSlow, LONGEST_UPLOAD, readSlowly } from './slow-bodies.ts'
import { createProxyNotice } from './unlisted-proxies.ts'

/** What of a request its body is. */
type Body = Partial<Pick<Incoming, 'body' | 'document' | 'json' | 'stream'>>

/** A sign-in form or a token request is a few kilobytes; nothing a stranger sends needs more. */
const BODY_LIMIT = 64 * 1024
/** A page or a letter of an operator's own, with its pictures as data. */
const JSON_LIMIT = 1024 * 1024
/** Slow senders of headers hold a socket no longer than this, and at most until the next look. Bodies are `slow-bodies.ts`'s. */
const HEADERS_TIMEOUT = 15_000
const LOOKS_EVERY = 5000
const TIMEOUTS = { headersTimeout: HEADERS_TIMEOUT, connectionsCheckingInterval: LOOKS_EVERY }
/** Longer than most proxies keep theirs, so that it is they who close an idle connection. */
const KEEP_ALIVE = 72_000
/** In characters. A part of a path is an id of ours; what is longer is not. */
const LONGEST_PATH_PART = 128

interface HttpOptions {
  readonly routes: readonly Route[]
  /** Undefined for a host that no tenant has. */
  readonly findHost: (host: string) => Promise<{ tenant: string; issuer: string } | undefined>
  /** Whether pages of that origin are an application's of the tenant. */
  readonly isClientOrigin: (tenant: string, origin: string) => Promise<boolean>
  readonly errorPage: ErrorPage
  readonly trustedProxies: readonly string[]
  /** Null for plain HTTP. */
  readonly tls: TlsOptions | null
  /** Nobody counts without one. */
  readonly meter?: Meter | undefined
  readonly log: Log
}

export interface Http {
  /** Answers on no port yet: `listen` is the caller's to say, and `inject` works without. */
  readonly app: FastifyInstance
  /** Another certificate for connections from now on. Those that are open keep theirs. */
  present(certificate: { readonly cert: string; readonly key: string }): void
}

type Endpoint = Omit<Route, 'method' | 'path'>

interface Place {
  readonly endpoint: Endpoint
  /** As the header of that name says it. */
  readonly allow: string
  readonly breadth: number
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Left out where nothing is. */
    readonly endpoint?: Endpoint
  }
  interface FastifyRequest {
    /** Null until the tenant is known; its body is empty until the handler runs. */
    incoming: Incoming | null
    /** What a path has for other methods than the one that was asked; null where the method is one, or the path none of ours. */
    place: Place | null
    /** Which of the places that its route stands for; null for a route that is one. */
    asked: string | null
  }
}

export function createHttp(options: HttpOptions): Http {
  const { findHost, tls, log } = options
  /** One for each address that the host's name has. */
  const secureServers: Server[] = []
  const faults = createFaults(options.errorPage, log)
  const placeOf = placesIn(options.routes)
  const noteProxy = createProxyNotice(options.trustedProxies, log)
  const app = fastify({
    logger: false,
    bodyLimit: BODY_LIMIT,
    requestTimeout: LONGEST_UPLOAD,
    keepAliveTimeout: KEEP_ALIVE,
    http: TIMEOUTS,
    ...(tls && { serverFactory: secureServer(tls, secureServers) }),
    forceCloseConnections: 'idle',
    // Whoever comes on a connection that was open already is answered like anybody.
    return503OnClosing: false,
    trustProxy: options.trustedProxies.length > 0 ? [...options.trustedProxies] : false,
    genReqId: () => newSortableId(),
    // What the router itself refuses never meets a hook. So it is given a path that it can read, and no part of one
    // is too long for it: both are refused below, where every other fault is told.
    rewriteUrl: ({ url = '' }) => (isPath(url) ? url : '/'),
    schemaController: { compilersFactory: NO_SCHEMAS as never },
    // Queries are read by `parameters.ts`, which sees what is repeated.
    routerOptions: { maxParamLength: Number.MAX_SAFE_INTEGER, caseSensitive: true, querystringParser: () => NO_QUERY },
  })

  endConnectionsWhenClosing(app)
  logAnswers(app, log, options.meter)
  readBodies(app)
  app.decorateRequest('incoming', null)
  app.decorateRequest('place', null)
  app.decorateRequest('asked', null)

  // Before the body is read: whatever is wrong from here on is told by the tenant, in the way the route speaks.
  app.addHook('onRequest', async (request, reply) => {
    endWhenSlow(request.raw, reply.raw)
    const endpoint = besides(request) ?? request.routeOptions.config.endpoint
    // What somebody reads out to whoever has the log.
    reply.header('x-request-id', request.id)
    noteProxy(request.headers, request.socket.remoteAddress)
    if (endpoint?.cors === 'open') reply.headers(openToAnyOrigin)
    if (namesSeveralHosts(request.raw.rawHeaders)) throw unreadable()
    const host = endpoint?.anyHost ? NO_TENANT : await tenantOf(request)
    if (!host) return send(reply, MISDIRECTED)
    if (staysSecure(host.issuer)) reply.header('strict-transport-security', HSTS)
    request.incoming = receive(request, host)
    if (endpoint?.cors && endpoint.cors !== 'open') reply.headers(await opennessTo(request.incoming, endpoint.cors))
    if (!isTarget(request) || hasLongPart(request.incoming.path)) throw unreadable()
    request.incoming = { ...request.incoming, query: queryOf(request.url) }
    // RFC 9110 §15.5.6.
    if (request.place) throw methodNotAllowed(request.place)
  })

  /** A wrong method is told as the path's own would be: on which host, to which origins, to whom. */
  function besides(request: FastifyRequest): Endpoint | undefined {
    const { config, url } = request.routeOptions
    // Whoever stands for many paths has no say where another stands.
    const breadth = config.endpoint ? breadthOf(url) : Number.POSITIVE_INFINITY
    const place = breadth > 0 ? placeOf(request.url) : undefined
    request.place = place && place.breadth < breadth ? place : null
    return request.place?.endpoint
  }

  /** A server of ours says nothing to an origin that it does not know. */
  async function opennessTo({ tenant, issuer, header }: Incoming, cors: Exclude<Cors, 'open'>) {
    const origin = header('origin')
    const isKnown = origin !== undefined && (`${origin}/` === issuer || (await options.isClientOrigin(tenant, origin)))
    return { ...forSomeOrigins, ...(isKnown && openToOrigin(origin, cors)) }
  }

  async function tenantOf(request: FastifyRequest) {
    try {
      return await findHost(request.host.toLowerCase())
    } catch (error) {
      // Whose page the fault belongs on is not known; it can be told on nobody's, in the language that was picked.
      request.incoming = { ...receive(request, NO_TENANT), query: queryOf(request.url) }
      throw error
    }
  }

  const serve = (method: Route['method'] | 'OPTIONS', url: string, endpoint: Endpoint) =>
    app.route({
      method,
      url,
      config: { endpoint },
      exposeHeadRoute: hasHead(endpoint),
      ...(endpoint.takes === 'json' && { bodyLimit: JSON_LIMIT }),
      handler: async (request, reply) => send(reply, await endpoint.answer(whole(request))),
    })
  for (const { method, path, ...endpoint } of options.routes) serve(method, path, endpoint)
  for (const [path, cors] of new Map(options.routes.flatMap(({ path, cors }) => (cors ? [[path, cors]] : []))))
    serve('OPTIONS', path, { ...PREFLIGHT, cors, ...(cors === 'open' && { anyHost: true }) })

  app.setNotFoundHandler(() => {
    throw new PageError('not_found', 'There is nothing at this address.')
  })
  app.setErrorHandler(async (error, request, reply) => {
    const endpoint = request.place?.endpoint ?? request.routeOptions.config.endpoint
    const way = endpoint ?? { speaks: isPerson(request) ? ('pages' as const) : ('json' as const) }
    const { code, answer } = await faults(error, way, request.incoming, request.id)
    request.told = code
    return send(reply, answer)
  })
  return {
    app,
    present(certificate) {
      for (const server of secureServers) server.setSecureContext({ ...tls, ...certificate })
    },
  }
}

const hasHead = ({ speaks, isStream }: Pick<Endpoint, 'speaks' | 'isStream'>): boolean => speaks === 'json' && !isStream

/** How many paths a route stands for: one; some; or all below one. */
const breadthOf = (path = ''): number => (path.endsWith('/*') ? 2 : path.includes('/:') ? 1 : 0)

/** What stands at a path, by whichever method it was asked. */
function placesIn(routes: readonly Route[]): (url: string) => Place | undefined {
  const places = Map.groupBy(routes, ({ path }) => path)
    .entries()
    .flatMap(([path, there]) => {
      const isOpen = there.some(({ cors }) => cors !== undefined)
      const methods = there.flatMap(route =>
        route.method === 'GET' && hasHead(route) ? [route.method, 'HEAD'] : [route.method],
      )
      const allow = [...methods, ...(isOpen ? ['OPTIONS'] : [])].join(', ')
      const parts = path.replace(/\/\*$/, '').split('/')
      return there.slice(0, 1).map(endpoint => ({ parts, endpoint, allow, breadth: breadthOf(path) }))
    })
    .toArray()
    .sort((one, other) => one.breadth - other.breadth)
  return url => {
    const asked = url.replace(/[?#].*$/s, '').split('/')
    return places.find(
      ({ parts, breadth }) =>
        (breadth === 2 ? parts.length < asked.length : parts.length === asked.length) &&
        parts.every((part, at) => (part.startsWith(':') ? asked[at] !== '' : part === asked[at])),
    )
  }
}

/** Our routes have none. Unless told so, the framework loads two compilers of schemas at the start: a hundred files. */
const NO_SCHEMAS = {
  buildValidator: () => () => () => true,
  buildSerializer: () => () => JSON.stringify,
}

const secureServer =
  (tls: TlsOptions, made: Server[]): FastifyServerFactory =>
  answer => {
    const limits = { ...TIMEOUTS, requestTimeout: LONGEST_UPLOAD, keepAliveTimeout: KEEP_ALIVE }
    const server = createServer({ ...limits, ...tls }, answer)
    answerPlainHttp(server)
    made.push(server)
    return server
  }

/** RFC 6797. Of this host alone: what its subdomains speak is not ours to say. */
const HSTS = 'max-age=31536000'

/** Not localhost, of which a browser would remember it for every port, and there other programs speak plain HTTP. */
const staysSecure = (issuer: string): boolean => /^https:\/\/(?!(?:[^/:]+\.)?localhost[:/])/.test(issuer)

const PREFLIGHT: Endpoint = {
  speaks: 'json',
  answer: () => ({ status: 204, headers: preflightAnswer }),
}

const unreadable = () => new ProtocolError('invalid_request', 'The request could not be read.')

const methodNotAllowed = ({ allow }: Place) =>
  new PageError('method_not_allowed', `What can be done at this address is ${allow}.`, { allow })

/** RFC 9110 §15.5.20. The page says what an operator has to look at, since it is theirs to mend. */
const MISDIRECTED: Answer = {
  status: 421,
  headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
  body: 'No tenant answers on this host. Use the host of the issuer (LATCHKEY_ISSUER), or give this one to a tenant (latchkey tenants add-host).\n',
}

/** Browsers ask for pages by name; programs take anything. */
const isPerson = (request: FastifyRequest): boolean => request.headers.accept?.includes('text/html') ?? false

/** RFC 9112 §3.2: refused, since a proxy on the way may have believed another of them than we would. */
function namesSeveralHosts(rawHeaders: readonly string[]): boolean {
  let hosts = 0
  for (let place = 0; place < rawHeaders.length; place += 2) {
    const name = rawHeaders[place] ?? ''
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1
  }
  return hosts > 1
}

/**
 * A target is a path, but for `OPTIONS *` (RFC 9112 §3.2). One with a host in it is for proxies; §3.2.2 would have
 * its host count in place of the header's, and two places to say the host are one too many.
 */
const isTarget = ({ method, originalUrl }: FastifyRequest): boolean =>
  isPath(originalUrl) || (method === 'OPTIONS' && originalUrl === '*')

/** Whatever is escaped in it is ASCII, and can be decoded. */
const PLAIN_PATH = /^\/(?:[\w.~/-]|%[0-7][\dA-Fa-f])*(?:\?|$)/

/** Undecodable escapes in the query are the endpoint's to judge. */
function isPath(target: string): boolean {
  if (PLAIN_PATH.test(target)) return true
  if (!target.startsWith('/')) return false
  try {
    decodeURI(target.replace(/[?#].*$/s, ''))
    return true
  } catch {
    return false
  }
}

const hasLongPart = (path: Incoming['path']): boolean =>
  Object.entries(path).some(([name, part]) => name !== '*' && part.length > LONGEST_PATH_PART)

const NO_TENANT = { tenant: '', issuer: '' }
const NO_QUERY = {}

/**
 * Bodies are forms or JSON, and become parameters, but for what a route takes as it comes; one of another type is refused
 * with 415 by the framework.
 */
function readBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    async (_request: FastifyRequest, body: string): Promise<Body> => ({ body: parametersOfForm(body) }),
  )
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer): Promise<Body> => {
      // A type without a body, as some libraries send it.
      if (body.length === 0) return { body: noParameters }
      const takes = request.routeOptions.config.endpoint?.takes
      if (takes === 'json') return { json: jsonOf(body) }
      if (takes === 'document') return { document: documentOf(body) }
      return { body: parametersOfJson(body) }
    },
  )
  // Without a parser of the framework's nothing is read.
  app.addContentTypeParser('multipart/form-data', async (request: FastifyRequest): Promise<Body> => {
    if (request.routeOptions.config.endpoint?.takes !== 'json') throw new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE()
    return { stream: () => readSlowly(request.raw) }
  })
}

/** The request as its line and its header have it. The query is read apart, since reading it may fail. */
function receive(request: FastifyRequest, host: { tenant: string; issuer: string }): Incoming {
  return {
    id: request.id,
    tenant: host.tenant,
    issuer: host.issuer,
    method: request.method,
    route: request.routeOptions.url ?? '',
    path: pathOf(request),
    query: noParameters,
    body: noParameters,
    document: null,
    stream: null,
    header: name => {
      const value = request.headers[name]
      return Array.isArray(value) ? value.join(', ') : value
    },
    address: request.ip,
  }
}

/** What `*` stands for is cut from the target: decoded by the router, a slash within a part would be one between two. */
function pathOf({ params, routeOptions, originalUrl }: FastifyRequest): Incoming['path'] {
  const { url = '' } = routeOptions
  return url.endsWith('*')
    ? { '*': originalUrl.replace(/[?#].*$/s, '').slice(url.length - 1) }
    : (params as Record<string, string>)
}

function queryOf(url: string): Parameters {
  const question = url.indexOf('?')
  return question < 0 ? noParameters : parametersOfForm(url.slice(question + 1))
}

function whole({ incoming, body }: FastifyRequest): Incoming {
  if (!incoming) throw new TypeError('A handler runs only for a request that was received')
  return { ...incoming, ...(body as Body | undefined) }
}

function send(reply: FastifyReply, answer: Answer): FastifyReply {
  reply.code(answer.status)
  if (answer.place !== undefined) reply.request.asked = answer.place
  if (answer.headers) reply.headers(answer.headers)
  for (const cookie of answer.cookies ?? []) reply.header('set-cookie', cookie)
  return reply.send(answer.body ?? '')
}
