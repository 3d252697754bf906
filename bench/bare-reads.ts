/** A process that reads users from the store and does nothing else: told the database once, and then for how long. */
import type { Store } from '../server/store/store.ts'
import { openStore } from './people.ts'
import { answerParent } from './processes.ts'

export type ReadOrder =
  | { readonly environment: Readonly<Record<string, string>>; readonly ids: readonly string[] }
  | { readonly milliseconds: number }

let store: Store | undefined
let ids: readonly string[] = []
let next = 0

answerParent<ReadOrder, readonly number[]>(async order => {
  if ('environment' in order) {
    store = await openStore(order.environment)
    ids = order.ids
    return []
  }
  const times: number[] = []
  for (const until = performance.now() + order.milliseconds; performance.now() < until; ) {
    const began = performance.now()
    const person = await store?.people.find('default', ids[next++ % ids.length] ?? '')
    times.push(performance.now() - began)
    if (!person) throw new Error('Nobody was read')
  }
  return times
})
