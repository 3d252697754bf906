/**
 * A running gateway: what arrives is read, decided upon and forwarded or refused, by the plan in force. A reload puts
 * another plan in force; requests that are under way end by the one they began with.
 */
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import type { Clock } from '../kernel/clock.ts'
import { OperatorError } from '../kernel/errors.ts'
import { newSortableId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import { STATUS_CODES } from '../kernel/node-http.ts'
import { SECOND } from '../kernel/seconds.ts'
import { isRefusal } from './arrive.ts'
import { corsHeaders } from './cors.ts'
import { keepHere } from './credentials/open-credentials.ts'
import {
  type Arrival,
  type Decision,
  type Note,
  newNote,
  type OwnAnswer,
  type Passage,
  type Refusal,
} from './exchange.ts'
import { createForwarder } from './forward.ts'
import type { EdgeIssuer } from './issuers.ts'
import { createListener, type Listener, type OpenPort } from './listener.ts'
import type { Address, EdgePlan } from './plan.ts'
import { refusalAnswer } from './refuse.ts'
import { hasBody } from './request-body.ts'
import { openRules } from './rules.ts'
import { type OpenSight, openSight } from './sight/sight.ts'

/** In milliseconds, for what is under way when the gateway closes. */
const CLOSE_GRACE = 10 * SECOND
/** How long those wait who were there before the gateway, in milliseconds, and how often is looked meanwhile. */
const FIRST_WORD = 3 * SECOND
const LOOKS_EVERY = 10

export interface Gateway {
  /** Chosen by the system where the plan says 0. */
  readonly port: number
  /** Requests from now on go by the plan. Rejects, and leaves the one before in force, when it cannot be opened. */
  reload(plan: EdgePlan): Promise<void>
  /** Another file was looked at and could not be used: it is counted, and all goes on as it was. */
  keepPlan(): void
  /** Takes no more connections, ends what is under way within its grace, and lets go of everything. */
  close(): Promise<void>
}

export interface GatewayOptions {
  readonly clock: Clock
  readonly log: Log
  /** In the place of the log and of metrics. */
  readonly sight?: OpenSight
  /** In the place of the one that the plan names. It is taken over once it is known what was revoked, or soon in any case. */
  readonly port?: OpenPort
}

/** Listens when it resolves: an issuer that is away is waited for by whoever needs it, and they are told so. */
export async function startGateway(plan: EdgePlan, { clock, log, ...given }: GatewayOptions): Promise<Gateway> {
  const certificate = readCertificate(plan)
  const sight = given.sight ?? (await openSight(plan, log))
  const kept = keepHere(clock)
  let rules = await openRules(plan, { clock, log, sight, kept })
  let isClosing = false
  const open = { requests: 0, upgrades: 0 }
  const forwarder = createForwarder({
    plan,
    sight,
    refuse: (response, passage, refusal) => refuse(response, passage, refusal),
    refuseUpgrade: (socket, passage, refusal) => refuseUpgrade(socket, passage, refusal),
  })

  /** Everything that came, in whichever way it is answered. */
  function receive(request: IncomingMessage, kind: keyof typeof open, way: Way): void {
    const began = performance.now()
    open[kind]++
    const [by, id, now, note] = [rules, newSortableId(), clock(), newNote()]
    const arrived = by.arrive(request, id, now)
    const arrival = isRefusal(arrived) ? unreadable(request, id, now) : arrived

    const act = (decision: Decision): void | Promise<void> => {
      noteDecision(note, decision)
      if (decision.pass) return way.carry(by.passage(arrival, decision, note))
      way.say(ownAnswer(arrival, decision), note, id)
    }
    const over = (): void => {
      open[kind]--
      sight.answered(arrival, note, performance.now() - began)
    }
    const fail = (error: unknown): void => {
      log.error({ error, request: id }, 'a request could not be answered')
      act({ pass: false, route: null, refusal: { code: 'unexpected' } })
      over()
    }

    let done: void | Promise<void>
    try {
      const decision = isRefusal(arrived) ? refusalOf(arrived) : by.decide(arrival, request)
      done = decision instanceof Promise ? decision.then(act) : act(decision)
    } catch (error) {
      done = Promise.reject(error)
    }
    if (done instanceof Promise) void done.then(over, fail)
    else over()
  }

  const onRequest = (request: IncomingMessage, response: ServerResponse): void =>
    receive(request, 'requests', {
      say: (own, note, id) => answer(response, own, note, id),
      carry(passage) {
        const { route, arrival } = passage
        if (route.cors) response.setHeaders(new Map(Object.entries(corsHeaders(route, arrival))))
        return forwarder.forward(passage, request, response)
      },
    })

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void =>
    receive(request, 'upgrades', {
      say: (own, note, id) => answerRaw(socket, own, note, id),
      carry: passage => forwarder.upgrade(passage, request, socket, head),
    })

  function refuse(response: ServerResponse, { arrival, route, note }: Passage, refusal: Refusal): void {
    note.decision = refusal.code
    answer(response, ownAnswer(arrival, { pass: false, route, refusal }), note, arrival.id)
  }

  function refuseUpgrade(socket: Duplex, { arrival, route, note }: Passage, refusal: Refusal): void {
    note.decision = refusal.code
    answerRaw(socket, ownAnswer(arrival, { pass: false, route, refusal }), note, arrival.id)
  }

  const listener = createListener({
    bounds: plan.bounds,
    tls: certificate,
    request: onRequest,
    upgrade: onUpgrade,
    turnedAway: why => sight.turnedAway(why),
  })

  // Who waits on a port that was open already is not told that the gateway has only just begun to listen to its issuers.
  if (given.port) await firstWord(rules.issuers)
  const port = await listen(listener, given.port ?? plan.listen, async () => {
    await rules.stop()
    await sight.close()
  })
  sight.reads(() => ({
    ...open,
    connections: listener.connections,
    revocations: rules.issuers.flatMap(({ plan: { issuer }, revocations }) =>
      revocations ? [{ issuer, age: revocations.age(), position: revocations.position }] : [],
    ),
  }))

  return {
    port,
    async reload(next) {
      const presented = readCertificate(next)
      const opened = await openRules(next, { clock, log, sight, kept, before: rules })
      // Until then the rules in force know more than these: nobody is refused for the sake of a reload.
      await firstWord(opened.issuers.filter(issuer => !rules.issuers.includes(issuer)))
      if (isClosing) return opened.stop(rules)
      const former = rules
      if (presented) listener.present(presented)
      forwarder.follow(next, opened.issuers)
      rules = opened
      sight.reloaded('applied')
      await former.stop(opened)
    },
    keepPlan: () => sight.reloaded('refused'),
    async close() {
      isClosing = true
      await Promise.all([listener.close(CLOSE_GRACE), forwarder.stop()])
      await rules.stop()
      await sight.close()
    },
  }
}

/** Until it is known what every issuer revoked, or for as long as anybody would want to wait for that. */
async function firstWord(issuers: readonly EdgeIssuer[]): Promise<void> {
  const until = performance.now() + FIRST_WORD
  const isUnknown = () => issuers.some(({ revocations }) => revocations && !Number.isFinite(revocations.age()))
  while (isUnknown() && performance.now() < until) await pause(LOOKS_EVERY)
}

/** As files: a reload reads them anew. Throws what the system says of one that is not there. */
const readCertificate = ({ tls }: EdgePlan) =>
  tls && { cert: readFileSync(tls.cert, 'utf8'), key: readFileSync(tls.key, 'utf8') }

async function listen(listener: Listener, where: Address | OpenPort, giveUp: () => Promise<void>): Promise<number> {
  try {
    return await listener.listen(where)
  } catch (error) {
    await giveUp()
    const { code, message } = error as NodeJS.ErrnoException
    if ('server' in where) throw error
    const problem = code === 'EADDRINUSE' ? 'is taken by another process' : `cannot be listened on: ${message}`
    throw new OperatorError(
      `Port ${where.port} on ${where.host}, for the gateway, ${problem}. See \`listen\` in the route file and LATCHKEY_GATEWAY_PORT.`,
      { cause: error },
    )
  }
}

/** How one kind of request is answered: by us, or by whom it is carried to. */
interface Way {
  say(own: OwnAnswer, note: Note, id: string): void
  carry(passage: Passage): Promise<void>
}

const refusalOf = (refusal: Refusal): Decision => ({ pass: false, route: null, refusal })

function noteDecision(note: Note, made: Decision): void {
  const decision = 'answer' in made ? (made.answer.about ?? made) : made
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

function answer(response: ServerResponse, { status, headers, body = '' }: OwnAnswer, note: Note, id: string): void {
  const { req: request } = response
  note.status = status
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
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
