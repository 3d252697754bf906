/** That no operation is forgotten: all that Auth0's libraries can ask is built, or answered as what is not. */
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { ManagementClient } from 'auth0'
import { ManagementClient as ManagementClientV6 } from 'auth0-v6'
import { placesOf } from '../../server/api/find-operation.ts'
import { isNotBuiltByName, notBuiltPart } from '../../server/api/not-built.ts'
import { operations } from '../../server/api/resources.ts'
import { startManagement, trusting } from '../fixtures/management.ts'

/** Of a path that is built otherwise: there are no actions, which is all that can be asked. */
const NOT_BUILT = ['POST /actions/actions']

/** It sends files, and is not to be called without any. `POST /jobs/users-imports` has tests of its own. */
const NEEDS_A_FILE = ['jobs.usersImports.create']

describe('what the library of Auth0 asks', () => {
  const find = placesOf(operations)
  const isKnown = ({ method, parts }: Asked): boolean => {
    const place = isNotBuiltByName(parts) ? undefined : find(parts)
    if (!place) return notBuiltPart(parts) !== undefined
    return place.operations.has(method) || NOT_BUILT.includes(`${method} ${place.path}`)
  }

  for (const [version, Client] of Object.entries({ 7: ManagementClient, 6: ManagementClientV6 }))
    test(`in its version ${version} is built, or said not to be`, async t => {
      const asked = await allAskedBy(t, new Client({ domain: 'any.example', token: 'any', maxRetries: 0 }))
      const forgotten = asked.filter(one => !isKnown(one))
      assert.deepEqual(
        forgotten.map(({ name, method, parts }) => `${name}: ${method} /${parts.join('/')}`),
        [],
      )
      assert.ok(asked.length > 350, `${asked.length} methods were found`)
    })
})

test('what is listed is iterated by versions 7 and 6 of the library', async t => {
  const { client, domain, token, ca, close } = await startManagement()
  t.after(close)
  t.mock.method(globalThis, 'fetch', trusting(ca))
  for (const library of [client, new ManagementClientV6({ domain, token })])
    for (const resource of [
      library.clientGrants,
      library.clients,
      library.connections,
      library.logs,
      library.organizations,
      library.resourceServers,
      library.roles,
      library.userGrants,
      library.users,
    ]) {
      let count = 0
      for await (const one of await resource.list()) {
        assert.equal(typeof one, 'object')
        count++
      }
      const isEmpty = resource === library.organizations || resource === library.userGrants
      assert.equal(count === 0, isEmpty, resource.constructor.name)
    }
})

interface Asked {
  /** Of the method of the library. */
  readonly name: string
  readonly method: string
  readonly parts: readonly string[]
}

/** What each method of a client, and of the clients in it, asks when it is given nothing but ids. */
async function allAskedBy(t: TestContext, client: object): Promise<Asked[]> {
  const asked: Asked[] = []
  let name = ''
  // Version 6 takes no other.
  t.mock.method(globalThis, 'fetch', async (...given: ConstructorParameters<typeof Request>) => {
    const { method, url } = new Request(...given)
    asked.push({ name, method, parts: new URL(url).pathname.split('/').slice(3) })
    return Response.json({}, { status: 400 })
  })
  for (const [path, call] of methodsOf(client)) {
    if (NEEDS_A_FILE.includes(path)) continue
    name = path
    const before = asked.length
    await assert.rejects(call)
    assert.ok(asked.length > before, `${path} asked nothing`)
  }
  return asked
}

/** Its clients are behind getters, here and there by way of a wrapper. */
function methodsOf(client: object, under = ''): [name: string, call: () => Promise<unknown>][] {
  const own = new Map<string, PropertyDescriptor>()
  for (let from: object | null = client; from && from !== Object.prototype; from = Object.getPrototypeOf(from))
    for (const [name, described] of Object.entries(Object.getOwnPropertyDescriptors(from)))
      if (!own.has(name)) own.set(name, described)
  return [...own].flatMap(([name, { get, value }]) => {
    if (name.startsWith('_') || name === 'constructor' || (under === '' && name === 'fetch')) return []
    const path = `${under}${name}`
    if (get) return methodsOf(get.call(client), `${path}.`)
    if (typeof value !== 'function') return []
    return [[path, async () => value.call(client, 'id-1', 'id-2', 'id-3', 'id-4')]]
  })
}
