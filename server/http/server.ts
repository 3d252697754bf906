/**
 * How bytes become requests: Fastify, told to change nothing on the way in, with our routes on it. Which
 * tenant a request is for is decided here, before anything else, by its Host header.
 */
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { PageError, ProtocolError } from '../kernel/errors.ts'
import { newSortableId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import { openToAnyOrigin, preflightAnswer } from './cors.ts'
import { createFaults, type ErrorPage } from './faults.ts'
import { noParameters, type Parameters, parametersOfForm, parametersOfJson } from './parameters.ts'
import { type Answer, type Incoming, json, type Route } from './route.ts'

/** A sign-in form or a token request is a few kilobytes; nothing a stranger sends needs more. */
const BODY_LIMIT = 64 * 1024
/** Slow senders hold a socket no longer than this. */
const REQUEST_TIMEOUT = 15_000

export interface HttpOptions {
  readonly routes: readonly Route[]
  /** Undefined for a host that no tenant has. */
  readonly findHost: (host: string) => Promise<{ tenant: string; issuer: string } | undefined>
  readonly errorPage: ErrorPage
  readonly trustedProxies: readonly string[]
  readonly log: Log
}

/** Answers on no port yet: `listen` is the caller's to say, and `inject` works without. */
export function createHttp(options: HttpOptions): FastifyInstance {
  const { log } = options
  const faults = createFaults(options.errorPage, log)
  const app = fastify({
    logger: false,
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT,
    forceCloseConnections: 'idle',
    trustProxy: options.trustedProxies.length > 0 ? [...options.trustedProxies] : false,
    genReqId: () => newSortableId(),
    exposeHeadRoutes: true,
    // A part of a path is an id of ours; what is longer is not.
    routerOptions: { maxParamLength: 128, caseSensitive: true },
    frameworkErrors: (_error, _request, reply) => void send(reply as FastifyReply, MALFORMED),
  })

  readBodies(app)

  const handlerOf = (route: Pick<Route, 'speaks' | 'anyHost' | 'cors' | 'answer'>) => {
    return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      if (route.cors === 'open') reply.headers(openToAnyOrigin)
      let incoming: Incoming | undefined
      try {
        if (namesSeveralHosts(request.raw.rawHeaders)) return await send(reply, MALFORMED)
        const host = await options.findHost(request.host.toLowerCase())
        if (!host && !route.anyHost) return await send(reply, MISDIRECTED)
        incoming = receive(request, host ?? NO_TENANT)
        return await send(reply, await route.answer(incoming))
      } catch (error) {
        return await send(reply, await faults(error, route.speaks, incoming, request.id))
      }
    }
  }
  for (const route of options.routes) app.route({ method: route.method, url: route.path, handler: handlerOf(route) })
  for (const path of new Set(options.routes.filter(route => route.cors === 'open').map(route => route.path)))
    app.options(path, (_request, reply) => reply.code(204).headers(preflightAnswer).send())

  const nothing = () => {
    throw new PageError('not_found', 'There is nothing at this address.')
  }
  app.setNotFoundHandler((request, reply) =>
    handlerOf({ speaks: isPerson(request) ? 'pages' : 'json', answer: nothing })(request, reply),
  )

  // Faults in reading a request happen before its route runs, yet must carry the route's CORS headers.
  const open = new Set(options.routes.filter(route => route.cors === 'open').map(route => route.path))
  app.setErrorHandler((error, request, reply) => {
    if (open.has(request.routeOptions.url ?? '')) reply.headers(openToAnyOrigin)
    return faults(error, 'json', undefined, request.id).then(answer => send(reply, answer))
  })
  app.addHook('onResponse', (request, reply, done) => {
    // The route, not the URL: paths hold ticket ids, queries hold codes, tokens and people's addresses.
    const path = request.routeOptions.url ?? 'unknown'
    log.info(
      {
        request: request.id,
        method: request.method,
        path,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
        address: request.ip,
      },
      'answered',
    )
    done()
  })
  return app
}

const MALFORMED = json(400, { error: 'invalid_request', error_description: 'The request could not be read.' })

/** RFC 9110 §15.5.20. The page says what an operator has to look at, since it is theirs to mend. */
const MISDIRECTED: Answer = {
  status: 421,
  headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
  body: 'No tenant answers on this host. Use the host of the issuer (LATCHKEY_ISSUER), or add this one to a tenant.\n',
}

/** Browsers ask for pages by name; programs take anything. */
const isPerson = (request: FastifyRequest): boolean => request.headers.accept?.includes('text/html') ?? false

/** RFC 9112 §3.2: refused, since a proxy on the way may have believed another of them than we would. */
const namesSeveralHosts = (rawHeaders: readonly string[]): boolean =>
  rawHeaders.filter((text, place) => place % 2 === 0 && text.length === 4 && text.toLowerCase() === 'host').length > 1

const NO_TENANT = { tenant: '', issuer: '' }

/** Bodies are forms or JSON, and become parameters; one of another type is refused with 415 by the framework. */
function readBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    parseInto(done, () => parametersOfForm(body as string)),
  )
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) =>
    parseInto(done, () => (body === '' ? noParameters : parametersOfJson(parseJson(body as string)))),
  )
}

function parseInto(done: (error: Error | null, body?: Parameters) => void, parse: () => Parameters): void {
  try {
    done(null, parse())
  } catch (error) {
    done(error as Error)
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new ProtocolError('invalid_request', 'The body is not JSON.')
  }
}

function receive(request: FastifyRequest, host: { tenant: string; issuer: string }): Incoming {
  const question = request.url.indexOf('?')
  return {
    id: request.id,
    tenant: host.tenant,
    issuer: host.issuer,
    method: request.method,
    path: request.params as Record<string, string>,
    query: question < 0 ? noParameters : parametersOfForm(request.url.slice(question + 1)),
    body: (request.body as Parameters | undefined) ?? noParameters,
    header: name => {
      const value = request.headers[name]
      return Array.isArray(value) ? value.join(', ') : value
    },
    address: request.ip,
  }
}

function send(reply: FastifyReply, answer: Answer): FastifyReply {
  reply.code(answer.status)
  if (answer.headers) reply.headers(answer.headers)
  for (const cookie of answer.cookies ?? []) reply.header('set-cookie', cookie)
  return reply.send(answer.body ?? '')
}
