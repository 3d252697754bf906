/**
 * `GET /api/v2/revocations/stream`: who may follow the log of revocations, how many at once, and what every stream of a
 * tenant is told besides: its issuers and its keys, when one begins and whenever they change.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Answer, Incoming, Route } from '../http/route.ts'
import { ProtocolError } from '../kernel/errors.ts'
import { MINUTE, SECOND } from '../kernel/seconds.ts'
import { createTurns } from '../kernel/turns.ts'
import { isEndedBy } from '../revocation/revocations-here.ts'
import { machineFacts } from '../tokens/returned-token.ts'
import { type Admitted, admit } from './admit.ts'
import { createRevocationStream, type RevocationStream, type StreamEnd } from './revocation-stream.ts'
import type { ApiServices } from './services.ts'

export interface RevocationStreams {
  readonly route: Route
  /** Open on this process. */
  count(): number
  /** Ends them all, and lets nobody open another. */
  stop(): void
}

/** Per process. A gateway has one for each of its processes. */
export const MOST_OF_CLIENT = 256
const MOST_OF_TENANT = 1024
/** Of streams that begin, how many read the log from the store at once: all of them do when a node comes back. */
const READERS = 4
/** Without word from anybody the keys are looked at this often, and told again this often though they are the same. */
const LOOK_EVERY = 5 * SECOND
const TELL_AGAIN = MINUTE
/** In seconds. */
const COME_BACK = '5'

/** The streams of one tenant, and what they were told last. */
interface Audience {
  readonly streams: Map<RevocationStream, string>
  said: { readonly keys: string; readonly issuers: string } | undefined
  lookedAt: number
  toldAt: number
  looking: Promise<void>
}

export function createRevocationStreams(
  services: ApiServices,
  monotonic: () => number = () => performance.now(),
): RevocationStreams {
  const { store, keyring, feed, bus, clock, log, meter } = services
  const audiences = new Map<string, Audience>()
  const turn = createTurns(READERS)
  let isClosing = false

  const everyStream = () => audiences.values().flatMap(({ streams }) => streams.keys())

  // What all are told

  async function lookUp(tenant: string) {
    const [jwks, hosts] = await Promise.all([keyring.jwks(tenant), store.tenants.hostsOf(tenant)])
    return { jwks, issuers: [...new Set(hosts.map(({ issuer }) => issuer))].sort() }
  }

  /** One after another, so that what was looked up first is not told last. */
  function look(tenant: string, audience: Audience): Promise<void> {
    audience.lookedAt = monotonic()
    audience.looking = audience.looking.then(async () => {
      // Whoever hears the same message has forgotten what it kept by then.
      await nextTurn()
      try {
        const { jwks, issuers } = await lookUp(tenant)
        tellAll(audience, { keys: JSON.stringify(jwks), issuers: JSON.stringify(issuers) })
      } catch (error) {
        log.warn({ tenant, error }, 'keys could not be told to those who follow revocations')
      }
    })
    return audience.looking
  }

  function tellAll(audience: Audience, now: { readonly keys: string; readonly issuers: string }): void {
    const { said, streams } = audience
    const isLongAgo = monotonic() - audience.toldAt >= TELL_AGAIN
    const areKeysNew = isLongAgo || said?.keys !== now.keys
    for (const stream of streams.keys()) {
      if (said?.issuers !== now.issuers) stream.say('hello', { issuers: JSON.parse(now.issuers) })
      if (areKeysNew) stream.say('keys', JSON.parse(now.keys))
    }
    audience.said = now
    if (areKeysNew) audience.toldAt = monotonic()
  }

  const heard = ({ tenant }: { tenant: string }): void => {
    const audience = audiences.get(tenant)
    if (audience) void look(tenant, audience)
  }
  const missed = (): void => {
    for (const [tenant, audience] of audiences) void look(tenant, audience)
  }
  for (const topic of ['key', 'client', 'resource-server', 'host']) bus.subscribe(topic, { heard, missed })

  // Who follows

  function audienceOf(tenant: string): Audience {
    const known = audiences.get(tenant)
    if (known) return known
    const now = monotonic()
    const made = { streams: new Map(), said: undefined, lookedAt: now, toldAt: now, looking: Promise.resolve() }
    audiences.set(tenant, made)
    return made
  }

  function refuseMore(tenant: string, client: string): void {
    const streams = audiences.get(tenant)?.streams
    const ofClient =
      streams
        ?.values()
        .filter(one => one === client)
        .toArray().length ?? 0
    if (isClosing || (streams?.size ?? 0) >= MOST_OF_TENANT || ofClient >= MOST_OF_CLIENT)
      throw new ProtocolError('temporarily_unavailable', 'No more streams can be opened here now.', {
        'retry-after': COME_BACK,
      })
  }

  async function open(incoming: Incoming): Promise<Answer> {
    const openedAt = monotonic()
    const admitted = await admit(services, incoming, ['read:revocations'])
    const from = positionOf(incoming)
    const { tenant } = incoming
    refuseMore(tenant, admitted.client.id)
    const audience = audienceOf(tenant)
    const stream = streamFor(incoming, admitted, { from, openedAt, audience })
    audience.streams.set(stream, admitted.client.id)
    try {
      // What others are being told is older than what is looked up next.
      await audience.looking
      const { jwks, issuers } = await lookUp(tenant)
      stream.say('hello', { issuers })
      stream.say('keys', { keys: [...jwks.keys] })
      const first = await feed.join(stream)
      // Another node may have told it more than this one has read.
      stream.begin(first, from <= first.number || from <= (await store.revocations.head()))
    } catch (error) {
      stream.end('unavailable')
      throw error
    }
    log.info({ request: incoming.id, tenant, client: admitted.client.id, from }, 'a stream of revocations began')
    return { status: 200, headers: HEADERS, body: stream.body }
  }

  function streamFor(
    { id, tenant }: Incoming,
    { client, token }: Admitted,
    { from, openedAt, audience }: { from: number; openedAt: number; audience: Audience },
  ): RevocationStream {
    const facts = machineFacts(tenant, token)
    let sent = 0
    const onEnd = (reason: StreamEnd): void => {
      audience.streams.delete(stream)
      if (audience.streams.size === 0) audiences.delete(tenant)
      feed.leave(stream)
      const milliseconds = Math.round(monotonic() - openedAt)
      log.info(
        { request: id, tenant, client: client.id, reason, sent, ms: milliseconds },
        'a stream of revocations ended',
      )
    }
    const inner = createRevocationStream({
      store,
      clock,
      tenant,
      from,
      openedAt,
      expiresAt: token.claims.exp * SECOND,
      isEndedBy: entry => isEndedBy(facts, entry),
      turn,
      onEnd,
      onSent(entries) {
        sent += entries
        meter?.revocationsTold(entries)
      },
    })
    const stream: RevocationStream = {
      ...inner,
      revoked(entries, upTo) {
        inner.revoked(entries, upTo)
        const keys = entries.filter(({ kind }) => kind === 'key').map(({ id }) => id)
        if (keys.length === 0) return
        const told = look(tenant, audience)
        // The last that it is told is what signs in its place.
        if (keys.includes(token.header.kid ?? '')) void told.then(() => stream.end('revoked'))
      },
      read(reading) {
        inner.read(reading)
        if (monotonic() - audience.lookedAt >= LOOK_EVERY) void look(tenant, audience)
      },
    }
    return stream
  }

  return {
    route: {
      method: 'GET',
      path: '/api/v2/revocations/stream',
      speaks: 'json',
      isStream: true,
      answer: open,
    },
    count: () => audiences.values().reduce((sum, { streams }) => sum + streams.size, 0),
    stop() {
      isClosing = true
      for (const stream of [...everyStream()]) stream.end('closing')
    },
  }
}

const HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  // What a proxy holds back arrives late.
  'x-accel-buffering': 'no',
  // It ends with the stream, so that nothing waits for what may come after it.
  connection: 'close',
}

/** Where to go on: of a client that comes back its last event's, or else as it was asked for. All of it without any. */
function positionOf(incoming: Incoming): number {
  const asked = incoming.header('last-event-id') ?? incoming.query.get('after') ?? '0'
  if (!/^\d{1,15}$/.test(asked) || incoming.query.repeated.includes('after'))
    throw new ProtocolError('invalid_request', 'Last-Event-ID, or after, is the number of a revocation.')
  return Number(asked)
}
