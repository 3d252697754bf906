/** Many users for a measurement, and the store of a stopped or a running product over which they are written and read. */
import { join } from 'node:path'
import { createMemoryBus } from '../server/bus/memory.ts'
import { DATABASE_CONNECTION } from '../server/identity/users.ts'
import type { Sealer } from '../server/kernel/sealer.ts'
import { emailKey } from '../server/policy/email-address.ts'
import type { Store } from '../server/store/store.ts'
import { aUser } from '../tests/fixtures/records.ts'

type Environment = Readonly<Record<string, string>>

const unused = (): never => {
  throw new TypeError('Nothing that is read or written of people is sealed')
}
const UNUSED: Sealer = { seal: unused, open: unused }

export async function openStore(environment: Environment): Promise<Store> {
  const options = { sealer: UNUSED, bus: createMemoryBus() }
  const url = environment['LATCHKEY_DATABASE_URL']
  if (url !== undefined) return (await import('../server/store/postgres.ts')).openPostgres(url, options)
  const file = join(environment['LATCHKEY_DATA'] ?? '', 'latchkey.db')
  return (await import('../server/store/sqlite.ts')).openSqlite(file, options)
}

const AT_ONCE = 500
/** People of one city: as many as a page holds twice. */
const OF_ONE_CITY = 100

export const idOf = (index: number): string => `auth0|bench${String(index).padStart(8, '0')}`
export const emailOf = (index: number): string => `person.${index}@example.com`
export const accountOf = (index: number): string => `account-${index}`
export const cityOf = (index: number): string => `City ${Math.floor(index / OF_ONE_CITY)}`

function personAt(index: number, tenant: string, connection: string) {
  const user = aUser({
    tenant,
    id: idOf(index),
    email: emailOf(index),
    profile: {
      name: `Person ${index} Example`,
      given_name: `Person ${index}`,
      family_name: 'Example',
      nickname: `person.${index}`,
      picture: `https://example.com/pictures/${index}.png`,
    },
    appMetadata: { account: accountOf(index), plan: ['gold', 'silver', 'bronze'][index % 3] ?? '', level: index % 100 },
    userMetadata: { city: cityOf(index), theme: 'dark' },
    createdAt: 1_700_000_000_000 + index,
    updatedAt: 1_700_000_000_000 + index,
    loginsCount: index % 7,
  })
  const identity = {
    tenant,
    user: user.id,
    connection,
    provider: 'auth0',
    subject: user.id.slice('auth0|'.length),
    emailKey: emailKey(emailOf(index)),
    usernameKey: null,
    profile: null,
    ordinal: 0,
  }
  return { user, identity, password: null }
}

/** Into the tenant that a first start has made. */
export async function writePeople(environment: Environment, count: number): Promise<void> {
  const store = await openStore(environment)
  try {
    const { id } = (await store.connections.findByName('default', DATABASE_CONNECTION)) ?? { id: '' }
    for (let from = 0; from < count; from += AT_ONCE) {
      const length = Math.min(AT_ONCE, count - from)
      const people = Array.from({ length }, (_, place) => personAt(from + place, 'default', id))
      await store.transaction(transaction => transaction.users.createAll(people))
    }
  } finally {
    await store.close()
  }
}
