/** Users as whoever administers them sees them, and how they are found. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { readSearchQuery, SearchProblem } from '../../policy/search-query.ts'
import type { PeopleOrder } from '../people.ts'
import type { UserRecord } from '../users.ts'
import { connectionOf, identityOf, NOW, newTenant, type Stage, userOf } from './stage.ts'

const at = (date: string): number => Date.parse(date)

/** Five people, each with something the others lack. */
const PEOPLE: readonly (Partial<UserRecord> & { id: string })[] = [
  {
    id: 'auth0|ada',
    email: 'Ada@Example.com',
    emailVerified: true,
    profile: { name: 'Ada Lovelace', given_name: 'Ada', phone_number: '+441234', phone_number_verified: true },
    appMetadata: { plan: 'gold', level: 9, subscription: { plan: 'Yearly' }, tags: ['Math', 'poetry'] },
    userMetadata: { city: 'London' },
    createdAt: at('2020-01-01T00:00:00Z'),
    updatedAt: at('2024-05-05T10:00:00Z'),
    lastLoginAt: at('2024-02-29T23:59:59.999Z'),
    lastIp: '192.0.2.1',
    loginsCount: 5,
    lastPasswordResetAt: at('2024-05-05T09:00:00Z'),
  },
  {
    id: 'auth0|bob',
    email: 'bob@example.com',
    emailVerified: false,
    blocked: true,
    username: 'Bobby',
    profile: { name: 'Bob 100% _real_' },
    appMetadata: { plan: 'silver', level: 10 },
    createdAt: at('2021-01-01T00:00:00Z'),
    updatedAt: at('2024-05-06T10:00:00Z'),
    lastLoginAt: at('2024-03-01T00:00:00Z'),
    lastIp: '192.0.2.22',
    loginsCount: 1,
  },
  {
    id: 'auth0|cyd',
    email: null,
    emailVerified: false,
    profile: { name: 'Cyd', nickname: "Cy'd; --" },
    appMetadata: { level: -2.5, 'with space': 'x', plan: 'Gold plated' },
    createdAt: at('2022-01-01T00:00:00Z'),
    updatedAt: at('2024-05-07T10:00:00Z'),
  },
  {
    id: 'auth0|dan',
    email: 'dan@other.example',
    emailVerified: true,
    profile: { name: 'Dan Ada' },
    appMetadata: { level: '2-3' },
    createdAt: at('2023-01-01T00:00:00Z'),
    updatedAt: at('2024-05-08T10:00:00Z'),
    loginsCount: 2,
    lastLoginAt: at('2025-01-01T00:00:00Z'),
  },
  {
    id: 'github|eve',
    email: 'eve@example.com',
    emailVerified: true,
    profile: { name: 'Eve' },
    createdAt: at('2024-01-01T00:00:00Z'),
    updatedAt: at('2024-05-09T10:00:00Z'),
  },
]

export function describePeopleSearch(stage: Stage): void {
  const among = async (): Promise<string> => {
    const tenant = newTenant()
    const { users, connections } = stage.store
    await connections.create(connectionOf(tenant))
    await connections.create(connectionOf(tenant, { id: 'con_github', name: 'github', strategy: 'github' }))
    for (const members of PEOPLE) {
      const user = userOf(tenant, members)
      const [provider = '', subject = ''] = user.id.split('|')
      const connection = provider === 'auth0' ? 'con_passwords' : 'con_github'
      const usernameKey = user.username?.toLowerCase() ?? null
      assert.equal(
        await users.create(user, identityOf(user, { provider, subject, connection, usernameKey })),
        'created',
      )
    }
    return tenant
  }
  let made: Promise<string> | undefined
  const theTenant = () => (made ??= among())
  const names = (people: readonly { user: UserRecord }[]) => people.map(({ user }) => user.id.split('|')[1])
  const everybody = { query: null, connection: null }
  const byId = { by: 'user_id', descending: false } as const

  const found = async (text: string) => {
    const tenant = await theTenant()
    const search = { query: readSearchQuery(text), connection: null }
    const page = await stage.store.people.page(tenant, { ...search, order: byId, offset: 0, limit: 10 })
    const after = await stage.store.people.after(tenant, search, null, 10)
    assert.deepEqual(names(after), names(page))
    assert.equal(await stage.store.people.count(tenant, search), page.length)
    return names(page).join(' ')
  }

  describe('people', () => {
    test('are read with their identities and the names of their connections', async () => {
      const tenant = await among()
      const { people, users, connections } = stage.store
      await users.link(tenant, 'auth0|ada', 'github|eve', NOW)
      const ada = await people.find(tenant, 'auth0|ada')
      assert.deepEqual(ada?.user, await users.find(tenant, 'auth0|ada'))
      assert.deepEqual(ada?.identities, [
        { ...(await users.identitiesOf(tenant, 'auth0|ada'))[0], connectionName: 'passwords', strategy: 'auth0' },
        { ...(await users.identitiesOf(tenant, 'auth0|ada'))[1], connectionName: 'github', strategy: 'github' },
      ])
      const page = await people.page(tenant, { ...everybody, order: byId, offset: 0, limit: 1 })
      assert.deepEqual(page, [ada])
      assert.equal(await people.find(newTenant(), 'auth0|ada'), undefined)
      assert.equal(await people.find(tenant, 'github|eve'), undefined)
      await users.remove(tenant, 'auth0|bob', NOW)
      assert.equal(await people.find(tenant, 'auth0|bob'), undefined)
      await connections.remove(tenant, 'con_passwords', NOW)
      assert.deepEqual(
        (await people.find(tenant, 'auth0|ada'))?.identities.map(({ strategy }) => strategy),
        ['github'],
      )
      assert.equal(await people.find(tenant, 'auth0|cyd'), undefined)
    })

    for (const [text, ids] of [
      ['email:"ada@example.com"', 'ada'],
      ['email:ADA@EXAMPLE.COM', 'ada'],
      ['name:"ada lovelace"', 'ada'],
      ['name:ada', ''],
      ['name:ada*', 'ada'],
      ['name:*ada*', 'ada dan'],
      ['name:*ove*ce', 'ada'],
      ['name:c?d', 'cyd'],
      ['name:"bob 100% _real_"', 'bob'],
      ['name:*100%*', 'bob'],
      ['name:*0__r*', ''],
      ['nickname:"Cy\'d; --"', 'cyd'],
      ['username:bobby', 'bob'],
      ['ada@example.com', 'ada'],
      ['bobby', 'bob'],
      ['auth0|cyd', 'cyd'],
      ['"github|eve"', 'eve'],
      ['da*', 'dan'],
      ['london', ''],
      ['user_id:auth0|*', 'ada bob cyd dan'],
      ['user_id:AUTH0|*', ''],
      ['user_id:("auth0|ada" OR "github|eve")', 'ada eve'],
      ['app_metadata.plan:gold', 'ada'],
      ['app_metadata.plan:gold*', 'ada cyd'],
      ['app_metadata.subscription.plan:yearly', 'ada'],
      ['app_metadata.tags:poetry AND app_metadata.tags:math', 'ada'],
      ['app_metadata.with\\ space:x', 'cyd'],
      ['user_metadata.city:london', 'ada'],
      ['app_metadata.level:[9 TO 10]', 'ada bob'],
      ['app_metadata.level:{9 TO *]', 'bob'],
      ['app_metadata.level:<0', 'cyd'],
      ['app_metadata.level:[-3 TO 9.5]', 'ada cyd'],
      ['app_metadata.plan:[g TO h]', 'ada cyd'],
      ['_exists_:app_metadata.plan', 'ada bob cyd'],
      ['_exists_:app_metadata.subscription', 'ada'],
      ['_exists_:app_metadata', 'ada bob cyd dan'],
      ['_exists_:email', 'ada bob dan eve'],
      ['NOT _exists_:email', 'cyd'],
      ['_exists_:last_login', 'ada bob dan'],
      ['NOT _exists_:last_login', 'cyd eve'],
      ['_exists_:logins_count', 'ada bob dan'],
      ['_exists_:last_password_reset', 'ada'],
      ['last_password_reset:2024-05', 'ada'],
      ['last_password_reset:{2024-05-05 TO *]', ''],
      ['phone_number:"+441234"', 'ada'],
      ['phone_verified:true', 'ada'],
      ['blocked:true', 'bob'],
      ['NOT blocked:true', 'ada cyd dan eve'],
      ['email_verified:true', 'ada dan eve'],
      ['email_verified:false AND blocked:false', 'cyd'],
      ['logins_count:5', 'ada'],
      ['logins_count:[1 TO 5]', 'ada bob dan'],
      ['logins_count:{1 TO 5}', 'dan'],
      ['logins_count:>=2', 'ada dan'],
      ['last_ip:192.0.2.1', 'ada'],
      ['last_ip:192.0.2.*', 'ada bob'],
      ['last_login:[2024-02-29 TO 2024-02-29]', 'ada'],
      ['last_login:{2024-02-29 TO *]', 'bob dan'],
      ['last_login:[* TO 2024-03}', 'ada'],
      ['last_login:[* TO 2024-03]', 'ada bob'],
      ['NOT last_login:[* TO 2024-03]', 'cyd dan eve'],
      ['last_login:2024', 'ada bob'],
      ['created_at:["2021-01-01T00:00:00Z" TO "2022-01-01T00:00:00.000Z"]', 'bob cyd'],
      ['created_at:["2021-01-01T01:00:00+01:00" TO "2021-06-01T00:00"]', 'bob'],
      ['updated_at:2024-05-09', 'eve'],
      ['email.domain:example.com', 'ada bob eve'],
      ['identities.connection:"github"', 'eve'],
      ['identities.connection:"con_github"', ''],
      ['identities.provider:auth0', 'ada bob cyd dan'],
      ['identities.user_id:dan', 'dan'],
      ['email:(ada@example.com OR bob@example.com)', 'ada bob'],
      ['email:(ada@example.com bob@example.com) AND NOT blocked:true', 'ada'],
      ['email_verified:true AND (name:eve OR logins_count:5)', 'ada eve'],
      ['(blocked:true OR NOT _exists_:email) AND name:*', 'bob cyd'],
      [
        'email:ada@example.com AND name:"ada lovelace" AND given_name:ada AND app_metadata.plan:gold AND blocked:false',
        'ada',
      ],
      ['email:ada@example.com AND name:bob', ''],
      ['*', 'ada bob cyd dan eve'],
      ['*:* AND NOT name:eve', 'ada bob cyd dan'],
      ['constructor:x OR __proto__:y', ''],
      ["name:x' OR '1'='1", ''],
      ['name:"\'; drop table users; --"', ''],
      ['name:"%"', ''],
      ['name:"a\0b"', ''],
    ] as const)
      test(`${text} finds ${ids || 'nobody'}`, async () => assert.equal(await found(text), ids))

    for (const [text, sentence] of [
      ['name:x OR logins_count:many', 'logins_count is a number, at character 11'],
      ['last_login:yesterday', 'last_login is a date: 2026-01-31, or 2026-01-31T12:00:00Z, at character 1'],
      ['created_at:2024-13', 'created_at is a date: 2026-01-31, or 2026-01-31T12:00:00Z, at character 1'],
      ['created_at:202*', 'created_at is a date, and a date has no wildcards, at character 1'],
      ['blocked:yes', 'blocked is true or false, at character 1'],
      ['user_id:*|ada', 'user_id is found by its beginning, with one wildcard at the end, at character 1'],
      ['identities.connection:git*', 'identities.connection is found as a whole, at character 1'],
    ] as const)
      test(`${text} is refused: ${sentence}`, async () => {
        await assert.rejects(
          found(text),
          (error: unknown) => error instanceof SearchProblem && error.message === sentence,
        )
      })

    for (const [by, descending, ids] of [
      ['created_at', true, 'eve dan cyd bob ada'],
      ['updated_at', false, 'ada bob cyd dan eve'],
      ['last_login', true, 'dan bob ada cyd eve'],
      ['last_login', false, 'ada bob dan cyd eve'],
      ['logins_count', false, 'cyd eve bob dan ada'],
      ['email', false, 'ada bob dan eve cyd'],
      ['email', true, 'eve dan bob ada cyd'],
      ['name', false, 'ada bob cyd dan eve'],
      ['nickname', true, 'cyd ada bob dan eve'],
      ['user_id', true, 'eve dan cyd bob ada'],
    ] as const satisfies (readonly [PeopleOrder, boolean, string])[])
      test(`by ${by}${descending ? ', descending,' : ''} they come as ${ids}, whatever the page`, async () => {
        const tenant = await theTenant()
        for (const limit of [1, 2, 5]) {
          const pages: string[] = []
          for (let offset = 0; offset <= 6; offset += limit) {
            const page = { ...everybody, order: { by, descending }, offset, limit }
            pages.push(...(names(await stage.store.people.page(tenant, page)) as string[]))
          }
          assert.equal(pages.join(' '), ids)
        }
      })

    test('an order holds within what is searched for, and in one connection', async () => {
      const tenant = await theTenant()
      const { people } = stage.store
      const order = { by: 'email', descending: true } as const
      const search = { query: readSearchQuery('email_verified:true'), connection: null }
      assert.deepEqual(names(await people.page(tenant, { ...search, order, offset: 1, limit: 5 })), ['dan', 'ada'])
      const inPasswords = { ...search, connection: 'con_passwords' }
      assert.deepEqual(names(await people.page(tenant, { ...inPasswords, order, offset: 0, limit: 5 })), ['dan', 'ada'])
      assert.equal(await people.count(tenant, inPasswords), 2)
      assert.equal(await people.count(tenant, { ...everybody, connection: 'con_github' }), 1)
    })

    test('behind an id come the ones after it, and nobody twice', async () => {
      const tenant = await theTenant()
      const { people } = stage.store
      assert.deepEqual(names(await people.after(tenant, everybody, null, 2)), ['ada', 'bob'])
      assert.deepEqual(names(await people.after(tenant, everybody, 'auth0|bob', 2)), ['cyd', 'dan'])
      assert.deepEqual(names(await people.after(tenant, everybody, 'github|eve', 2)), [])
      const gold = { query: readSearchQuery('app_metadata.plan:*'), connection: null }
      assert.deepEqual(names(await people.after(tenant, gold, 'auth0|ada', 1)), ['bob'])
    })

    describe('among more than are asked one by one', () => {
      const MANY = 1100
      /** Every third is blocked, every other is silver; some have no nickname, and there are five cities. */
      const many = Array.from({ length: MANY }, (_, index) => ({
        id: `auth0|${String(index).padStart(5, '0')}`,
        email: `${(index * 7) % MANY}@example.com`,
        blocked: index % 3 === 0,
        name: `Person ${String((index * 11) % MANY).padStart(5, '0')}`,
        nickname: index % 10 === 0 ? undefined : `nick${String(MANY - index).padStart(5, '0')}`,
        plan: index % 2 === 0 ? 'silver' : 'gold',
        city: `City ${index % 5}`,
        loginsCount: index % 7,
      }))
      type Somebody = (typeof many)[number]
      let there: Promise<string> | undefined
      const theirTenant = () => (there ??= amongMany())
      async function amongMany(): Promise<string> {
        const tenant = newTenant()
        await stage.store.connections.create(connectionOf(tenant))
        const people = many.map(({ name, nickname, plan, city, ...members }) => {
          const profile = { name, ...(nickname !== undefined && { nickname }) }
          const user = userOf(tenant, {
            ...members,
            profile,
            appMetadata: { plan, all: 'same' },
            userMetadata: { city },
          })
          return { user, identity: identityOf(user, { subject: user.id.slice(6) }), password: null }
        })
        for (let from = 0; from < MANY; from += 500)
          await stage.store.transaction(({ users }) => users.createAll(people.slice(from, from + 500)))
        return tenant
      }
      const key = (by: 'user_id' | 'email' | 'nickname' | 'logins_count', one: Somebody) =>
        by === 'user_id' ? one.id : by === 'logins_count' ? one.loginsCount : one[by]

      for (const [text, by, descending, isMeant] of [
        ['*', 'nickname', false, () => true],
        ['app_metadata.all:same', 'user_id', true, () => true],
        ['app_metadata.all:same', 'email', false, () => true],
        ['app_metadata.all:same AND NOT user_metadata.city:"city 3"', 'user_id', false, one => one.city !== 'City 3'],
        [
          'NOT app_metadata.plan:gold AND blocked:true',
          'logins_count',
          true,
          one => one.plan === 'silver' && one.blocked,
        ],
        ['name:*person* AND email:*example*', 'nickname', true, () => true],
        [
          'name:*on\\ 00* AND _exists_:nickname',
          'email',
          true,
          one => one.name.includes('n 00') && one.nickname !== undefined,
        ],
        ['nickname:nick000*', 'email', false, one => one.nickname?.startsWith('nick000') ?? false],
        ['example* OR user_metadata.city:"city 1"', 'user_id', false, one => one.city === 'City 1'],
        ['name:p* OR nickname:n*', 'logins_count', false, () => true],
        ['_exists_:user_metadata AND name:*nobody*', 'user_id', false, () => false],
      ] as const satisfies (readonly [string, Parameters<typeof key>[0], boolean, (one: Somebody) => boolean])[])
        test(`${text} by ${by}${descending ? ', descending' : ''}`, async () => {
          const tenant = await theirTenant()
          const search = { query: readSearchQuery(text), connection: null }
          const expected = many.filter(isMeant)
          assert.equal(await stage.store.people.count(tenant, search), expected.length)
          const sign = descending ? -1 : 1
          const has = expected
            .filter(one => key(by, one) !== undefined)
            .sort((one, other) => {
              const [mine = '', its = ''] = [key(by, one), key(by, other)]
              return mine === its ? (one.id < other.id ? -sign : sign) : mine < its ? -sign : sign
            })
          const ids = [...has, ...expected.filter(one => key(by, one) === undefined)].map(({ id }) => id)
          for (const offset of [0, 490, 985]) {
            const page = { ...search, order: { by, descending }, offset, limit: 15 }
            const found = (await stage.store.people.page(tenant, page)).map(({ user }) => user.id)
            assert.deepEqual(found, ids.slice(offset, offset + 15))
          }
          const after = await stage.store.people.after(tenant, search, 'auth0|00500', 20)
          const behind = expected.filter(({ id }) => id > 'auth0|00500').slice(0, 20)
          assert.deepEqual(
            after.map(({ user }) => user.id),
            behind.map(({ id }) => id),
          )
        })

      test('an embedded database looks at a few of them between two turns of the event loop, however many search', async () => {
        const tenant = await theirTenant()
        if (stage.store.dialect !== 'sqlite') return
        const text = [...'abcdefghij'].map(letter => `NOT name:*${letter}xx*`).join(' AND ')
        let turns = 0
        let isOver = false
        const count = () => {
          turns++
          if (!isOver) setImmediate(count)
        }
        setImmediate(count)
        const search = { query: readSearchQuery(text), connection: null }
        const counts = await Promise.all([1, 2, 3].map(() => stage.store.people.count(tenant, search)))
        isOver = true
        assert.deepEqual(counts, [MANY, MANY, MANY])
        const rowsATurn = (3 * MANY) / turns
        assert.ok(rowsATurn < 30, `${rowsATurn} rows, each with ten wildcards, between two turns`)
      })
    })

    test('whatever a search says, it asks and changes nothing, and nothing of another tenant is found', async () => {
      const tenant = await theTenant()
      const pieces = fc.constantFrom(
        ...[
          "'",
          '"',
          ';',
          '--',
          '/*',
          '*/',
          ')',
          '(',
          '%',
          '_',
          '\\\\',
          '$1',
          '?',
          ':a',
          'or',
          'union select',
          '\0',
          '가',
          '\ud800',
        ],
      )
      const word = fc.array(pieces, { minLength: 1, maxLength: 6 }).map(list => list.join(' '))
      const field = fc.oneof(
        fc.constantFrom('name', 'user_id', 'last_ip', 'identities.connection', 'email.domain'),
        word,
      )
      await fc.assert(
        fc.asyncProperty(field, word, async (name, value) => {
          const escaped = (text: string) => [...text].map(letter => `\\${letter}`).join('')
          for (const term of [escaped(value), `${escaped(value)}*`, `[${escaped(value)} TO *]`]) {
            let query: ReturnType<typeof readSearchQuery>
            try {
              query = readSearchQuery(`${escaped(name)}:${term}`)
              await stage.store.people.page(newTenant(), { query, connection: value, order: byId, offset: 0, limit: 5 })
              assert.equal(await stage.store.people.count(newTenant(), { query, connection: null }), 0)
            } catch (error) {
              assert.ok(error instanceof SearchProblem, String(error))
            }
          }
        }),
        { numRuns: 40 },
      )
      assert.equal(await stage.store.people.count(tenant, everybody), PEOPLE.length)
    })
  })
}
