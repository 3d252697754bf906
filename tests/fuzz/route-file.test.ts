/** Whatever a route file holds, it is a plan or its faults are told: no other error, and none of its secrets in what is told. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import fc from 'fast-check'
import { stringify } from 'yaml'
import { inspectRouteFile } from '../../server/gateway/route-file/read.ts'
import { text } from './arbitraries.ts'
import { assertHolds } from './budget.ts'
import { places, withValueAt } from './places.ts'

const SECRET = 'a-secret-of-more-than-thirty-two-bytes'

/** Of every member something. */
const ROUTE_FILE = {
  listen: '127.0.0.1:4001',
  trusted_proxies: ['10.0.0.0/8'],
  redis: `redis://:${SECRET}@127.0.0.1:6379`,
  audience: 'https://films.example',
  internal: { clients: ['reports'], addresses: ['::1'] },
  issuers: [
    {
      issuer: 'https://login.example/',
      url: 'https://login.internal/',
      client_id: 'edge',
      client_secret: SECRET,
      algorithms: ['RS256'],
      hs256: [{ audience: 'https://old.example', secret: SECRET, kid: 'k' }],
    },
  ],
  session: { client_id: 'pages', client_secret: { env: 'SECRET' }, keys: ['ab'.repeat(32)], idle: '1h' },
  limits: { header_bytes: '8kb', connections: 100 },
  routes: [
    {
      name: 'films',
      match: { host: '*.films.example', path: '/films/:id/*', methods: ['GET', 'POST'] },
      access: { scopes: ['read:films'], amr: ['mfa'], max_age: '5m' },
      credentials: ['bearer', 'session'],
      identity: { 'x-user-id': 'sub', 'x-roles': ['https://films.example/roles', '0'] },
      on_stale: { after: '10s', do: 'allow' },
      timeout: { connect: '1s', total: '1m' },
      retries: 2,
      limits: [{ per: 'identity', requests: 10, within: '1s' }],
      max_body: '2mb',
      cors: { origins: ['https://app.films.example'], credentials: true },
      strip_prefix: '/films',
      upstream: 'films',
    },
    { match: { path: '/maybe' }, access: { optional: { audience: 'a' } }, upstream: 'films' },
    { match: { path: '/inside' }, access: 'internal', upstream: 'films' },
  ],
  upstreams: {
    films: {
      balance: { 'sticky-query': 'sid' },
      targets: [{ url: 'http://127.0.0.1:5001', weight: 2 }],
      health: { path: '/healthz', interval: '5s' },
      breaker: { failures: 5, fallback: { status: 503, body: 'busy' } },
    },
  },
}

describe('A route file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-fuzz-'))
  const file = join(folder, 'edge.yaml')
  after(() => rmSync(folder, { recursive: true }))

  async function assertPlanOrFaults(written: string): Promise<void> {
    writeFileSync(file, written)
    const { plan, faults, warnings } = await inspectRouteFile(file, { environment: { SECRET }, now: Date.now() })
    assert.equal(plan === null, faults.length > 0, faults.join('\n'))
    assert.ok(![...faults, ...warnings].join('\n').includes(SECRET))
  }

  test('is sound to begin with', async () => {
    await assertPlanOrFaults(stringify(ROUTE_FILE))
    assert.deepEqual((await inspectRouteFile(file, { environment: { SECRET }, now: Date.now() })).faults, [])
  })

  test('of any text is a plan or its faults', () =>
    assertHolds(
      fc.asyncProperty(
        fc.oneof(
          text(),
          fc.jsonValue().map(value => stringify(value)),
          fc.string({ unit: fc.constantFrom(...'{}[]&*!|>-?:#, \n\t%@`"\'a1') }),
        ),
        assertPlanOrFaults,
      ),
    ))

  test('that is sound but for one value is a plan or its faults', () =>
    assertHolds(
      fc.asyncProperty(
        fc.constantFrom(...places(ROUTE_FILE)),
        fc.oneof(
          fc.jsonValue({ maxDepth: 3 }),
          text(),
          fc.constantFrom(
            '',
            '1s',
            '0s',
            '1mb',
            'public',
            'internal',
            '/',
            '/*',
            '*',
            'a.b',
            '::1',
            'http://a',
            [{}],
            {},
          ),
          fc.constantFrom({ file: 'gone' }, { env: 'NONE' }, { optional: {} }, { internal: {} }, { '': '' }, null),
        ),
        (path, value) => assertPlanOrFaults(stringify(withValueAt(ROUTE_FILE, path, value))),
      ),
    ))
})
