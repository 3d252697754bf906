/**
 * When keys change hands: a pure plan for the keys of one slot. It reads no clock, makes no key and writes no row;
 * `transitions.ts` carries a plan out. What each purpose's life looks like is `purposes.ts`.
 *
 *     pairs      announced ──▶ signing ──▶ verifying ──▶ retired       secrets     current ──▶ accepted ──▶ destroyed
 *                    └────────────┴─── revoked ───┴────────▲                          └──── revoked ────────────▲
 *                    └── withdrawn: announced ▶ retired, signing ▶ verifying, and no successor
 *
 * A private part exists only while its key is announced or signing, a secret only while current or accepted.
 */
import type { Instant } from '../kernel/clock.ts'
import type { KeyMove, KeyRecord, KeyState } from '../store/keys.ts'
import type { Life, SecretLife, SignatureLife } from './purposes.ts'

/**
 * `ensure`: one that signs. `schedule`: what is due. `rotate`: a change now, or as soon as it is safe. `withdraw`: none
 * that signs, because nobody asks for the algorithm any more; what was signed stays verifiable for as long as it lives.
 */
export type Wish =
  | { readonly want: 'ensure' | 'schedule' | 'rotate' | 'withdraw' }
  | { readonly want: 'revoke'; readonly id: string }

/** What a plan reads of a key. */
export type PlannedKey = Pick<KeyRecord, 'id' | 'state' | 'createdAt' | 'dueAt' | 'latestExpiry'>

export interface NewKey {
  readonly state: 'announced' | 'signing' | 'current'
  readonly dueAt: Instant | null
}

/** No new key and no move: there is nothing to do. */
export interface Plan {
  readonly generate: NewKey | null
  /** In the order in which they must be made: a place is left before it is taken. */
  readonly moves: readonly KeyMove[]
  /** When another key signs or is current because of this plan, which may lie ahead; null when none will. */
  readonly takesOver: Instant | null
}

const NOTHING: Plan = { generate: null, moves: [], takesOver: null }

/** `keys` are all of one (tenant, purpose, owner, algorithm), in any order. */
export const planRotation = (keys: readonly PlannedKey[], life: Life, wish: Wish, now: Instant): Plan =>
  life.kind === 'signature' ? planPair(keys, life, wish, now) : planSecret(keys, life, wish, now)

function planPair(keys: readonly PlannedKey[], life: SignatureLife, wish: Wish, now: Instant): Plan {
  const signing = keys.find(inState('signing'))
  const announced = oldest(keys.filter(inState('announced')))

  switch (wish.want) {
    case 'ensure':
      return signing ? NOTHING : succeed(undefined, announced, life, now)

    case 'rotate': {
      if (!signing) return succeed(undefined, announced, life, now)
      if (!announced) return announce(signing, now + life.announceFor)
      const readyAt = announced.createdAt + life.announceFor
      if (readyAt <= now) return succeed(signing, announced, life, now)
      const hastened = announced.dueAt === null || announced.dueAt > readyAt
      return { ...NOTHING, moves: hastened ? [stay(announced, readyAt)] : [], takesOver: readyAt }
    }

    case 'revoke': {
      const key = keys.find(({ id }) => id === wish.id)
      if (!key || (key.state === 'retired' && key.dueAt === null)) return NOTHING
      const revoked: KeyMove = { id: key.id, from: key.state, to: 'retired', dueAt: null, destroy: true }
      if (key.state === 'signing') return after([revoked], succeed(undefined, announced, life, now))
      // The signing key waits for a successor: the place of a revoked one is filled at once, with its full notice.
      if (key === announced && signing)
        return after([revoked], announce(signing, Math.max(key.dueAt ?? now, now + life.announceFor)))
      return { ...NOTHING, moves: [revoked] }
    }

    case 'withdraw': {
      if (signing && isSettling(signing, life, now)) return NOTHING
      // What never signed vouches for nothing: nobody has to remember it.
      const unused = keys
        .filter(inState('announced'))
        .map(({ id, state }): KeyMove => ({ id, from: state, to: 'retired', dueAt: null, destroy: true }))
      return { ...NOTHING, moves: signing ? [...unused, standDown(signing, life, now)] : unused }
    }

    case 'schedule': {
      const ageing = keys.filter(isDue(now)).flatMap(key => age(key, life, now))
      if (!signing && announced) return after(ageing, succeed(undefined, announced, life, now))
      if (announced && isDue(now)(announced)) {
        const readyAt = announced.createdAt + life.announceFor
        if (readyAt <= now) return after(ageing, succeed(signing, announced, life, now))
        return { ...NOTHING, moves: [...ageing, stay(announced, readyAt)] }
      }
      if (signing && isDue(now)(signing)) {
        if (announced) return { ...NOTHING, moves: [...ageing, stay(signing, null)] }
        return after(ageing, announce(signing, now + life.announceFor))
      }
      return { ...NOTHING, moves: ageing }
    }
  }
}

/** A key that is published and does not sign; the one that signs has nothing to wait for until then. */
const announce = (signing: PlannedKey, takesOver: Instant): Plan => ({
  generate: { state: 'announced', dueAt: takesOver },
  moves: [stay(signing, null)],
  takesOver,
})

/**
 * The successor signs from now on: the one announced, or a new one where there is none. An emergency takes the
 * announced one too, however short its notice: more verifiers have seen it than a key made this instant.
 */
function succeed(
  signing: PlannedKey | undefined,
  announced: PlannedKey | undefined,
  life: SignatureLife,
  now: Instant,
): Plan {
  const dueAt = now + life.serveFor - life.announceFor
  const moves: KeyMove[] = []
  if (signing) moves.push(standDown(signing, life, now))
  if (announced) moves.push({ id: announced.id, from: 'announced', to: 'signing', dueAt, destroy: false })
  return { generate: announced ? null : { state: 'signing', dueAt }, moves, takesOver: now }
}

/** Whether it was made so lately that the setting which wants it may still be on its way into the store. */
export const isSettling = ({ createdAt }: Pick<PlannedKey, 'createdAt'>, life: SignatureLife, now: Instant): boolean =>
  now < createdAt + life.settleFor

const standDown = (signing: PlannedKey, life: SignatureLife, now: Instant): KeyMove => ({
  id: signing.id,
  from: 'signing',
  to: 'verifying',
  dueAt: endOf(signing, life, now),
  destroy: true,
})

/**
 * A due key that no longer signs. A retired one with a due date still vouches for ID tokens that come back as
 * hints; without one, because it was revoked or its time is over, it vouches for nothing.
 */
function age(key: PlannedKey, life: SignatureLife, now: Instant): KeyMove[] {
  if (key.state === 'retired') return [stay(key, null)]
  if (key.state !== 'verifying') return []
  // Use may be noted later than the change of hands, by a node that heard of it late: asked again, at the end.
  const end = key.latestExpiry + life.leeway
  if (end > now) return [stay(key, end)]
  return [{ id: key.id, from: 'verifying', to: 'retired', dueAt: now + life.rememberFor, destroy: true }]
}

function planSecret(keys: readonly PlannedKey[], life: SecretLife, wish: Wish, now: Instant): Plan {
  const current = keys.find(inState('current'))
  const accepted = keys.filter(inState('accepted'))
  const replace = (): Plan => {
    const surplus = [...accepted]
      .sort(byAge)
      .slice(0, Math.max(0, accepted.length + (current ? 1 : 0) - life.acceptedAtMost))
    const moves = surplus.map(key => destroy(key))
    if (current)
      moves.push({ id: current.id, from: 'current', to: 'accepted', dueAt: endOf(current, life, now), destroy: false })
    return { generate: newSecret(life, now), moves, takesOver: now }
  }

  switch (wish.want) {
    case 'ensure':
      return current ? NOTHING : { generate: newSecret(life, now), moves: [], takesOver: now }

    case 'rotate':
      return replace()

    // Secrets have no algorithm to choose: each is wanted as long as its owner is.
    case 'withdraw':
      return NOTHING

    case 'revoke': {
      const key = [current, ...accepted].find(one => one?.id === wish.id)
      if (!key) return NOTHING
      // What is changed by hand only is also replaced by hand only: a secret that nobody was told serves nobody.
      if (key !== current || life.serveFor === null) return { ...NOTHING, moves: [destroy(key)] }
      return { generate: newSecret(life, now), moves: [destroy(key)], takesOver: now }
    }

    case 'schedule': {
      const ageing = accepted.filter(isDue(now)).map(key => {
        const end = key.latestExpiry + life.leeway
        return end > now ? stay(key, end) : destroy(key)
      })
      return current && isDue(now)(current) ? after(ageing, replace()) : { ...NOTHING, moves: ageing }
    }
  }
}

const newSecret = (life: SecretLife, now: Instant): NewKey => ({
  state: 'current',
  dueAt: life.serveFor === null ? null : now + life.serveFor,
})

const destroy = ({ id, state }: PlannedKey): KeyMove => ({
  id,
  from: state,
  to: 'destroyed',
  dueAt: null,
  destroy: true,
})

const inState = (state: KeyState) => (key: PlannedKey) => key.state === state

const isDue = (now: Instant) => (key: PlannedKey) => key.dueAt !== null && key.dueAt <= now

const byAge = (one: PlannedKey, other: PlannedKey) => one.createdAt - other.createdAt

const oldest = (keys: readonly PlannedKey[]): PlannedKey | undefined => [...keys].sort(byAge)[0]

/** The earliest end of a key that made its last token now. */
const endOf = (key: PlannedKey, life: Life, now: Instant): Instant =>
  Math.max(key.latestExpiry + life.leeway, now + life.lingerFor)

/** Only the due date changes. */
const stay = ({ id, state }: PlannedKey, dueAt: Instant | null): KeyMove => ({
  id,
  from: state,
  to: state,
  dueAt,
  destroy: false,
})

/** Later moves of one key stand for its earlier ones. */
function after(first: readonly KeyMove[], then: Plan): Plan {
  const moved = new Set(then.moves.map(({ id }) => id))
  return { ...then, moves: [...first.filter(({ id }) => !moved.has(id)), ...then.moves] }
}
