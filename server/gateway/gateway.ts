/**
 * A running gateway: what arrives is read, decided upon and forwarded or refused, by the plan in force. A reload puts
 * another plan in force; requests that are under way end by the one they began with.
 */
import { readFileSync } from 'node:fs'
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '../kernel/clock.ts'
import { OperatorError } from '../kernel/errors.ts'
import { newSortableId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import { SECOND } from '../kernel/seconds.ts'
import { isRefusal } from './arrive.ts'
import { corsHeaders } from './cors.ts'
import type { Sight } from './edge.ts'
import type { Arrival, Decision, Note, OwnAnswer, Passage, Refusal } from './exchange.ts'
import { createForwarder } from './forward.ts'
import { createListener, type Listener } from './listener.ts'
import type { Address, EdgePlan } from './plan.ts'
import { refusalAnswer } from './refuse.ts'
import { hasBody } from './request-body.ts'
import { openRules, type Rules } from './rules.ts'

/** In milliseconds, for what is under way when the gateway closes. */
const CLOSE_GRACE = 10 * SECOND

export interface Gateway {
  /** Chosen by the system where the plan says 0. */
  readonly port: number
  /** Requests from now on go by the plan. Rejects, and leaves the one before in force, when it cannot be opened. */
  reload(plan: EdgePlan): Promise<void>
  /** Takes no more connections, ends what is under way within its grace, and lets go of everything. */
  close(): Promise<void>
}

export interface GatewayOptions {
  readonly clock: Clock
  readonly log: Log
  readonly sight: Sight
}

/** Listens when it resolves: an issuer that is away is waited for by whoever needs it, and they are told so. */
export async function startGateway(plan: EdgePlan, { clock, log, sight }: GatewayOptions): Promise<Gateway> {
  let rules = await openRules(plan, { clock, log, sight })
  const forwarder = createForwarder({
    plan,
    sight,
    refuse: (response, passage, refusal) => refuse(response, passage, refusal),
    refuseUpgrade: (socket, passage, refusal) => refuseUpgrade(socket, passage, refusal),
  })

  /** Everything that came, in whichever way it will be answered. */
  function receive(
    request: IncomingMessage,
    go: (arrival: Arrival, decision: Decision, by: Rules, note: Note) => unknown,
  ) {
    const began = performance.now()
    const now = clock()
    const by = rules
    const id = newSortableId()
    const arrived = by.arrive(request, id, now)
    const note = newNote()
    const isRead = !isRefusal(arrived)
    const arrival = isRead ? arrived : unreadable(request, id, now)
    const over = () => sight.answered(arrival, note, performance.now() - began)
    const fail = (error: unknown) => {
      log.error({ error, request: id }, 'a request could not be decided upon')
      return go(arrival, { pass: false, route: null, refusal: { code: 'unexpected' } }, by, note)
    }
    const carryOn = (decision: Decision) => go(arrival, decision, by, note)
    try {
      const decision = isRead ? by.decide(arrival, request) : ({ pass: false, route: null, refusal: arrived } as const)
      const done = decision instanceof Promise ? decision.then(carryOn, fail) : carryOn(decision)
      if (done instanceof Promise) void done.then(over, over)
      else over()
    } catch (error) {
      fail(error)
      over()
    }
  }

  const onRequest = (request: IncomingMessage, response: ServerResponse): void =>
    receive(request, (arrival, decision, by, note) => {
      noteDecision(note, decision)
      if (decision.pass) {
        if (decision.route.cors) response.setHeaders(new Map(Object.entries(corsHeaders(decision.route, arrival))))
        return forwarder.forward(by.passage(arrival, decision, note), request, response)
      }
      return answer(response, request, ownAnswer(arrival, decision), note, arrival.id)
    })

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void =>
    receive(request, (arrival, decision, by, note) => {
      noteDecision(note, decision)
      if (decision.pass) return forwarder.upgrade(by.passage(arrival, decision, note), request, socket, head)
      return answerRaw(socket, ownAnswer(arrival, decision), note, arrival.id)
    })

  function refuse(response: ServerResponse, { arrival, route, note }: Passage, refusal: Refusal): void {
    note.decision = refusal.code
    answer(response, response.req, ownAnswer(arrival, { pass: false, route, refusal }), note, arrival.id)
  }

  function refuseUpgrade(socket: Duplex, { arrival, route, note }: Passage, refusal: Refusal): void {
    note.decision = refusal.code
    answerRaw(socket, ownAnswer(arrival, { pass: false, route, refusal }), note, arrival.id)
  }

  const listener = createListener({
    bounds: plan.bounds,
    tls: readCertificate(plan),
    request: onRequest,
    upgrade: onUpgrade,
    turnedAway: why => sight.turnedAway(why),
  })

  return {
    port: await listen(listener, plan.listen, rules),
    async reload(next) {
      const opened = await openRules(next, { clock, log, sight, before: rules })
      const former = rules
      const certificate = readCertificate(next)
      if (certificate) listener.present(certificate)
      forwarder.follow(next)
      rules = opened
      await former.stop(opened)
    },
    async close() {
      await Promise.all([listener.close(CLOSE_GRACE), forwarder.stop()])
      await rules.stop()
    },
  }
}

/** As files: a reload reads them anew. Throws what the system says of one that is not there. */
const readCertificate = ({ tls }: EdgePlan) =>
  tls && { cert: readFileSync(tls.cert, 'utf8'), key: readFileSync(tls.key, 'utf8') }

async function listen(listener: Listener, address: Address, rules: Rules): Promise<number> {
  try {
    return await listener.listen(address)
  } catch (error) {
    await rules.stop()
    const { code, message } = error as NodeJS.ErrnoException
    const problem = code === 'EADDRINUSE' ? 'is taken by another process' : `cannot be listened on: ${message}`
    throw new OperatorError(
      `Port ${address.port} on ${address.host}, for the gateway, ${problem}. See \`listen\` in the route file and LATCHKEY_GATEWAY_PORT.`,
      { cause: error },
    )
  }
}

const newNote = (): Note => ({
  route: '',
  decision: 'passed',
  subject: null,
  client: null,
  upstream: null,
  target: null,
  attempts: 0,
  status: 0,
  bytesOut: 0,
  isAborted: false,
  upstreamMs: null,
})

function noteDecision(note: Note, decision: Decision): void {
  note.route = decision.route?.name ?? ''
  if (decision.pass) {
    const { caller } = decision
    if (caller) {
      const { sub } = caller.claims
      note.subject = typeof sub === 'string' ? sub : null
      note.client = caller.clientId
    }
  } else note.decision = 'answer' in decision ? 'answered' : decision.refusal.code
}

/** A request that could not be read, as far as it could be. */
const unreadable = (request: IncomingMessage, id: string, now: number): Arrival => ({
  id,
  method: request.method ?? '',
  host: '',
  authority: '',
  path: '',
  query: '',
  rawHeaders: [],
  headers: {},
  address: request.socket.remoteAddress ?? '',
  forwardedFor: '',
  isSecure: false,
  isUpgrade: false,
  now,
})

type Refused = Exclude<Decision, { readonly pass: true }>

/** What is answered here, with what a page of another origin has to see to be able to read it. */
function ownAnswer(arrival: Arrival, decision: Refused): OwnAnswer {
  const own = 'answer' in decision ? decision.answer : refusalAnswer(decision.refusal, arrival.id)
  const { route } = decision
  return route?.cors ? { ...own, headers: { ...corsHeaders(route, arrival), ...own.headers } } : own
}

function answer(response: ServerResponse, request: IncomingMessage, own: OwnAnswer, note: Note, id: string): void {
  const { status, headers, body = '' } = own
  note.status = status
  if (response.headersSent || response.destroyed) return
  response.writeHead(status, {
    ...headers,
    'x-request-id': id,
    ...(status !== 204 && status !== 304 && { 'content-length': Buffer.byteLength(body) }),
    // What is left of the body is not read for the sake of a connection.
    ...(hasBody(request) && !request.complete && { connection: 'close' }),
  })
  const sent = request.method === 'HEAD' ? '' : body
  note.bytesOut = Buffer.byteLength(sent)
  response.end(sent)
}

/** On a connection that asked to become another one, which Node leaves to us. */
function answerRaw(socket: Duplex, { status, headers, body = '' }: OwnAnswer, note: Note, id: string): void {
  note.status = status
  note.bytesOut = Buffer.byteLength(body)
  const lines = Object.entries({
    ...headers,
    'x-request-id': id,
    'content-length': `${Buffer.byteLength(body)}`,
    connection: 'close',
  }).flatMap(([name, values]) => [values].flat().map(value => `${name}: ${value}`))
  socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines, '', body].join('\r\n'))
}
