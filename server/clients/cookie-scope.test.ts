import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createMemoryBus } from '../bus/memory.ts'
import type { ClientRecord } from '../store/clients.ts'
import type { Store } from '../store/store.ts'
import { createCookieScope, isCrossSite } from './cookie-scope.ts'

const ISSUER = 'https://login.example.com/'

describe('whether a page is on another site than the issuer', () => {
  for (const [origin, issuer, expected] of [
    ['https://login.example.com', ISSUER, false],
    ['https://login.example.com:8443', ISSUER, false],
    ['https://app.login.example.com', ISSUER, false],
    ['https://example.com', ISSUER, false],
    ['https://app.example.com', ISSUER, true],
    ['https://app.example', ISSUER, true],
    ['https://evillogin.example.com', ISSUER, true],
    ['http://login.example.com', ISSUER, true],
    ['not an origin', ISSUER, false],
  ] as const)
    test(`${origin}: ${expected}`, () => assert.equal(isCrossSite(origin, issuer), expected))
})

describe('how the cookies of a tenant are set', () => {
  const client = (id: string, ...web_origins: string[]): ClientRecord => ({
    tenant: 't',
    id,
    epoch: 0,
    metadata: { name: id, web_origins },
    sealedSecret: null,
    credentials: [],
    createdAt: 0,
    updatedAt: 0,
  })
  const over = (...clients: ClientRecord[]) => {
    const bus = createMemoryBus()
    const asked: (string | undefined)[] = []
    const list = async (_tenant: string, { after, limit }: { after?: string; limit: number }) => {
      asked.push(after)
      const from = after === undefined ? 0 : clients.findIndex(one => one.id === after) + 1
      return clients.slice(from, from + limit)
    }
    const find = createCookieScope({ store: { clients: { list } } as unknown as Store, bus, clock: () => 0 })
    return { bus, asked, clients, find: (issuer = ISSUER) => find('t', issuer) }
  }

  test('over http, Lax and without asking: browsers would drop anything else', async () => {
    const { find, asked } = over(client('a', 'https://app.example'))
    assert.deepEqual(await find('http://localhost:4000/'), { secure: false, sameSite: 'Lax' })
    assert.deepEqual(asked, [])
  })

  test('Lax while no application asks from another site', async () =>
    assert.deepEqual(await over(client('a', 'https://app.login.example.com'), client('b')).find(), {
      secure: true,
      sameSite: 'Lax',
    }))

  test('None when one does, be it the last of many', async () => {
    const many = Array.from({ length: 450 }, (_, place) => client(`c${place}`))
    const { find, asked } = over(...many, client('last', 'https://app.example'))
    assert.deepEqual(await find(), { secure: true, sameSite: 'None' })
    assert.deepEqual(asked, [undefined, 'c199', 'c399'])
  })

  test('asked once, and again after a client changed', async () => {
    const { bus, find, asked, clients } = over(client('a'))
    assert.equal((await find()).sameSite, 'Lax')
    clients.push(client('b', 'https://app.example'))
    assert.equal((await find()).sameSite, 'Lax')
    assert.equal(asked.length, 1)
    bus.publish({ topic: 'client', tenant: 't', id: 'b' })
    assert.equal((await find()).sameSite, 'None')
  })
})
