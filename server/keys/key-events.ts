/** What a plan that is carried out tells the audit log, event by event. The events themselves are `audit/events.ts`'s. */
import {
  type KeyAuthor,
  type KeyFacts,
  keyAnnounced,
  keyMade,
  keyRetired,
  keyRevoked,
  keyRotated,
  keySigning,
  keyStoodDown,
  type Occasion,
} from '../audit/events.ts'
import type { Instant } from '../kernel/clock.ts'
import { newSortableId } from '../kernel/ids.ts'
import type { EventRecord } from '../store/events.ts'
import type { KeyMove, KeyRecord } from '../store/keys.ts'
import type { Plan, Wish } from './rotation.ts'

export interface CarriedOut {
  readonly tenant: string
  /** The slot's keys before the change. */
  readonly keys: readonly KeyRecord[]
  readonly plan: Plan
  readonly added: readonly KeyRecord[]
  readonly wish: Wish
  readonly by: KeyAuthor
  readonly at: Instant
}

/** What an operator asked for comes first, then what it did to each key. */
export function eventsOf({ tenant, keys, plan, added, wish, by, at }: CarriedOut): EventRecord[] {
  const o: Occasion =
    typeof by === 'object'
      ? { ...by.occasion, at }
      : { tenant, at, requestId: newSortableId(), address: null, userAgent: null }
  const events: EventRecord[] = []
  const former = keys.find(({ state }) => state === 'signing' || state === 'current') ?? added[0]
  if (wish.want === 'rotate' && former) events.push(keyRotated(o, by, former, plan.takesOver))
  for (const move of plan.moves) {
    const key = keys.find(({ id }) => id === move.id)
    const isRevoked = wish.want === 'revoke' && wish.id === move.id
    if (key && isRevoked) events.push(keyRevoked(o, by, key))
    else if (key && move.from !== move.to) events.push(moved(o, by, key, move))
  }
  for (const key of added)
    events.push(key.state === 'announced' ? keyAnnounced(o, by, key, key.dueAt) : keyMade(o, by, key))
  return events
}

function moved(o: Occasion, by: KeyAuthor, key: KeyFacts, { to, dueAt }: KeyMove): EventRecord {
  switch (to) {
    case 'signing':
    case 'current':
      return keySigning(o, by, key)
    case 'verifying':
    case 'accepted':
      return keyStoodDown(o, by, key, dueAt)
    case 'retired':
    case 'destroyed':
      return keyRetired(o, by, key)
    case 'announced':
      throw new TypeError('no key goes back to being announced')
  }
}
