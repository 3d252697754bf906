import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { OperatorError } from '../../kernel/errors.ts'
import { MINUTE, SECOND } from '../../kernel/seconds.ts'
import type { RoutePlan } from '../plan.ts'
import type { Members } from './member.ts'
import { inspectRouteFile, type RouteFile, readRouteFile } from './read.ts'
import { FILE } from './schema.ts'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-route-file-'))
after(() => rmSync(folder, { recursive: true }))

const SECRET = 'a-secret-of-more-than-thirty-two-bytes'
const environment = { EDGE_SECRET: SECRET, REDIS: 'redis://:hidden@redis.example:6379/0' }

const write = (name: string, content: string, mode = 0o600): string => {
  const file = join(folder, name)
  writeFileSync(file, content)
  chmodSync(file, mode)
  return file
}

let files = 0
const inspect = (text: string, mode?: number): Promise<RouteFile> =>
  inspectRouteFile(write(`edge-${files++}.yaml`, text, mode), { environment, now: Date.now() })

const planOf = async (text: string) => {
  const { plan, faults } = await inspect(text)
  assert.deepEqual(faults, [])
  return plan ?? assert.fail('there is no plan')
}

/** A sound file around one route, or around one more member of the file. */
const ISSUERS = 'issuers: [{ issuer: "https://login.example/", client_id: edge, client_secret: { env: EDGE_SECRET } }]'
const UPSTREAMS = 'upstreams: { videos: { targets: [{ url: "http://127.0.0.1:5001" }] } }'
const file = (...members: string[]): string => [ISSUERS, UPSTREAMS, ...members].join('\n')
const route = (members: string): string =>
  file(`routes:\n  - { match: { path: /videos }, upstream: videos, access: { audience: films }, ${members} }`)
const routed = (match: string): string => file(`routes:\n  - { match: { ${match} }, access: public, upstream: videos }`)
/** Beside one for what is below `/admin`, which has to bring a token. */
const beside = (path: string, more = ''): string =>
  file(
    `routes:\n  - { match: { path: "/admin/*" }, upstream: videos, access: { audience: films } }\n  - { match: { path: "${path}" }, access: public, upstream: videos${more} }`,
  )
const also = (...members: string[]): string =>
  file('routes: [{ match: { path: /videos }, access: public, upstream: videos }]', ...members)
const onlyRoute = async (text: string): Promise<RoutePlan> => (await planOf(text)).routes[0] ?? assert.fail('no route')

before(() => {
  write('edge.secret', `${SECRET}\n`)
  write('empty.secret', '\n')
  write('open.secret', SECRET, 0o644)
  write('identity.pem', generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }) as string)
  write(
    'rsa.pem',
    generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
  )
  write(
    'short.pem',
    generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
  )
})

describe('the drawing of the design', () => {
  test('means what it says', async () => {
    const plan = await planOf(`
listen: 127.0.0.1:4001
issuers:
  - { issuer: http://localhost:4000/, client_id: edge, client_secret: { file: edge.secret } }
routes:
  - match: { path: /videos, methods: [GET] }
    access: public
    upstream: videos
  - match: { host: api.example.com, path: "/videos/*" }
    access: { audience: https://24-hour-video.example/api, scopes: [write:videos] }
    identity: { x-user-id: sub, x-user-email: email }
    on_stale: { after: 60s, do: deny }
    timeout: { connect: 1s, response: 5s, total: 30s }
    upstream: videos
upstreams:
  videos:
    balance: least-connections
    targets: [{ url: "http://127.0.0.1:5001", weight: 2 }, { url: "http://127.0.0.1:5002" }]
    health: { path: /healthz, interval: 5s }
    breaker: { failures: 5, within: 10s, open: 5s, fallback: { status: 503, body: "busy" } }
`)
    assert.deepEqual(plan.listen, { host: '127.0.0.1', port: 4001 })
    assert.deepEqual(plan.issuers[0]?.client, { id: 'edge', secret: SECRET })
    assert.equal(plan.issuers[0]?.followsRevocations, true)
    const [open, writing] = plan.routes
    assert.deepEqual(open?.access, { kind: 'public' })
    assert.deepEqual(open?.credentials, [])
    assert.deepEqual([open?.name, open?.line], ['GET /videos', 6])
    assert.equal(writing?.access.kind, 'required')
    assert.deepEqual(writing?.access.kind === 'required' && writing.access.rule.scopes, ['write:videos'])
    assert.deepEqual(writing?.identity, [
      { header: 'x-user-id', claim: ['sub'] },
      { header: 'x-user-email', claim: ['email'] },
    ])
    assert.deepEqual(writing?.onStale, { after: MINUTE, do: 'deny' })
    assert.deepEqual(writing?.timeout, { connect: SECOND, response: 5 * SECOND, total: 30 * SECOND })
    assert.equal(writing?.upstream, plan.upstreams[0], 'the name became what it names')
    assert.deepEqual(
      plan.upstreams[0]?.targets.map(({ url, weight }) => [url.href, weight]),
      [
        ['http://127.0.0.1:5001/', 2],
        ['http://127.0.0.1:5002/', 1],
      ],
    )
    assert.deepEqual(plan.upstreams[0]?.breaker?.fallback, {
      status: 503,
      body: 'busy',
      contentType: 'text/plain; charset=utf-8',
    })
  })

  test('is what the guide begins with, and nothing there is warned of', async () => {
    const guide = readFileSync(new URL('../../../docs/gateway.md', import.meta.url), 'utf8')
    const { faults, warnings, plan } = await inspect(/```yaml\n(.+?)```/s.exec(guide)?.[1] ?? '')
    assert.deepEqual([faults, warnings, plan?.routes.length], [[], [], 2])
  })

  test('is the same as the gateway member of a tenant file, with the lines of that file', async () => {
    const gateway = (upstream: string) => `clients: [{ name: App }]
gateway:
  routes: [{ match: { path: / }, access: public, upstream: ${upstream} }]
  upstreams: { videos: { targets: [{ url: "http://127.0.0.1:5001" }] } }
`
    assert.equal((await planOf(gateway('videos'))).routes[0]?.line, 3)
    assert.match(
      (await inspect(gateway('films'))).faults.join('\n'),
      /:3: There is no upstream "films": there are videos\./,
    )
  })
})

describe('what a route file may not say', () => {
  const refused: readonly (readonly [name: string, text: string, fault: RegExp])[] = [
    ['no routes', UPSTREAMS, /:1: routes is missing/],
    ['a list', '[]', /The file must be a mapping of listen/],
    ['what is no YAML', 'routes: [', /:1: This is not YAML/],
    [
      'a member that is misspelt',
      also('trusted_proxy: []'),
      /:4: The file has no member "trusted_proxy".* Perhaps "trusted_proxies"/,
    ],
    ['a member in another case', route('onStale: {}'), /no member "onStale"\. Perhaps "on_stale"/],
    ['a member that is like nothing', route('constructor: 1'), /no member "constructor"\. It has name, match,/],
    ['a member without a value', also('session:'), /:4: session is there without a value/],
    [
      'a route without access',
      file('routes: [{ match: { path: / }, upstream: videos }]'),
      /access is missing: it is public/,
    ],
    ['a duration without a unit', route('timeout: { connect: 5 }'), /connect must be a duration with its unit/],
    ['a duration that no timer counts', route('timeout: { total: 25d }'), /25d is out of bounds: from 1ms to 24d/],
    ['no duration at all', route('on_stale: { after: 0s }'), /0s is out of bounds/],
    ['a size without a unit', route('max_body: 1000'), /max_body must be a size/],
    ['a number in quotes', route('retries: "1"'), /retries must be a whole number from 0 to 5/],
    ['yes in quotes', route('forward_credential: "true"'), /must be true or false/],
    [
      'one scope as text',
      route('access2: 1').replace('audience: films', 'audience: films, scopes: a'),
      /scopes must be a list/,
    ],
    [
      'a scope with a space',
      route('name: a').replace('films }', 'films, scopes: ["a b"] }'),
      /Each of scopes must be a scope/,
    ],
    [
      'an access that nobody knows',
      route('name: a').replace('{ audience: films }', 'everybody'),
      /access must be public, optional/,
    ],
    [
      'an upstream that is not there',
      routed('path: /').replace('upstream: videos', 'upstream: films'),
      /There is no upstream "films": there are videos\./,
    ],
    [
      'one target twice',
      also().replace('"http://127.0.0.1:5001" }', '"http://127.0.0.1:5001" }, { url: "http://127.0.0.1:5001/" }'),
      /is there twice: give it a weight/,
    ],
    [
      'a target with a path',
      also().replace('127.0.0.1:5001', '127.0.0.1:5001/api'),
      /url must be an http or https URL .* without a path/,
    ],
    ['a target with a password', also().replace('127.0.0.1:5001', 'a:b@127.0.0.1:5001'), /url must be/],
    ['a port of its own kind', also('listen: 127.0.0.1'), /listen must be a host and a port/],
    ['a method in small letters', routed('path: /, methods: [get]'), /a method in capitals/],
    ['CONNECT', routed('path: /, methods: [CONNECT]'), /neither CONNECT nor TRACE/],
    ['a host with a port', routed('path: /, host: "a.example:80"'), /host must be a host in lower case without a port/],
    ['a host in capitals', routed('path: /, host: A.example'), /in lower case/],
    ['a wildcard within a host', routed('path: /, host: "a.*.example"'), /host must be/],
    ['everybody as trusted proxies', also('trusted_proxies: [0.0.0.0/0]'), /0\.0\.0\.0\/0 is everybody/],
    ['a name of a range', also('trusted_proxies: [loopback]'), /neither an IP address nor a range/],
    [
      'two routes of one name',
      also()
        .replace('access: public', 'name: a, access: public')
        .replace(/routes: \[(.+)\]/, 'routes: [$1, $1]'),
      /two routes "a"/,
    ],
    [
      'a token without a file-wide audience',
      route('name: a').replace('{ audience: films }', 'optional'),
      /access has to name an audience/,
    ],
    ['a token where nobody is believed', route('name: a').replace(ISSUERS, ''), /there are no issuers to believe/],
    [
      'internal, and nobody who is',
      route('name: a').replace('{ audience: films }', 'internal'),
      /internal lets nobody pass/,
    ],
    [
      'internal clients without an audience',
      route('name: a').replace('{ audience: films }', '{ internal: { clients: [a] } }'),
      /name the audience that tokens of its clients/,
    ],
    ['a session that nobody configured', route('credentials: [session]'), /need the member "session"/],
    [
      'introspection without a client',
      route('credentials: [opaque]').replace(/, client_id.+\} \}/, ' }'),
      /for which an issuer needs client_id/,
    ],
    [
      'API keys that nobody can ask about',
      route('credentials: [api-key]').replace(/, client_id.+\} \}/, ' }'),
      /API keys are introspected/,
    ],
    ['a JWT as two kinds', route('credentials: [bearer, single-use]'), /a route takes one of the two/],
    [
      'credentials on a public route',
      also().replace('access: public', 'access: public, credentials: [bearer]'),
      /asks for no credentials/,
    ],
    ['a credential kind that nobody knows', route('credentials: [basic]'), /credentials must be one of bearer/],
    [
      'a prefix that the path does not have',
      route('strip_prefix: /films'),
      /\/films is not the beginning of the path \/videos/,
    ],
    ['half a segment as prefix', route('strip_prefix: /vid'), /\/vid is not the beginning/],
    ['every page with cookies', route('cors: { origins: ["*"], credentials: true }'), /has to list the origins/],
    ['an origin with a path', route('cors: { origins: ["https://a.example/"] }'), /origin such as/],
    [
      'an internal JWT without a key',
      route('identity_token: { audience: a }'),
      /signed with "identity_key", which is missing/,
    ],
    [
      'an internal JWT in the header of a claim',
      `${route('identity_token: { header: x-a, audience: a }, identity: { x-a: sub }')}\nidentity_key: { file: identity.pem }`,
      /tells the header x-a already/,
    ],
    ['an identity key that is too short', also('identity_key: { file: short.pem }'), /has 1024 bits, and needs 2048/],
    ['a key file that holds none', also('identity_key: { file: edge.secret }'), /edge\.secret holds no private key/],
    [
      'an issuer by http on another machine',
      also().replace('https://login', 'http://login'),
      /is http and not this machine/,
    ],
    ['one issuer twice', also().replace(/issuers: \[(.+)\]/, 'issuers: [$1, $1]'), /is there twice/],
    ['an id without a secret', also().replace(', client_secret: { env: EDGE_SECRET }', ''), /belong together/],
    [
      'revocations without a client',
      also().replace(/, client_id.+\} \}/, ', revocations: true }'),
      /is opened by a client/,
    ],
    [
      'an algorithm of secrets for everybody',
      also().replace('client_id', 'algorithms: [HS256], client_id'),
      /algorithms must be one of RS256/,
    ],
    [
      'a short HS256 secret',
      also().replace('client_id', 'hs256: [{ audience: a, secret: short }], client_id'),
      /shorter than 32 bytes/,
    ],
    [
      'one HS256 secret for two APIs',
      also().replace(
        'client_id',
        `hs256: [{ audience: a, secret: ${SECRET} }, { audience: b, secret: ${SECRET} }], client_id`,
      ),
      /share one HS256 secret/,
    ],
    ['a secret under a name that only settings have', also('redis: { env: LATCHKEY_EDGE_REDIS }'), /may not begin so/],
    ['a secret from nowhere', also('redis: { env: NOWHERE }'), /environment variable NOWHERE, which is not set/],
    ['a secret file that is not there', also('redis: { file: gone }'), /The file gone cannot be read/],
    ['an empty secret file', also('redis: { file: empty.secret }'), /The file that redis names is empty/],
    ['a secret from two places', also('redis: { file: a, env: b }'), /redis must be text, \{ file/],
    ['a Redis that is none', also('redis: { env: EDGE_SECRET }'), /must be of the form redis:/],
    ['a certificate without its key', also('tls: { cert: identity.pem }'), /key is missing/],
    ['what is no certificate', also('tls: { cert: identity.pem, key: identity.pem }'), /holds no certificate/],
    [
      'a session at a path that has a meaning already',
      also(
        `session: { client_id: a, client_secret: { env: EDGE_SECRET }, keys: [${'ab'.repeat(32)}], callback: /edge/check }`,
      ),
      /\/edge\/check is a path of the gateway's own already/,
    ],
    [
      'a short session key',
      also('session: { client_id: a, client_secret: { env: EDGE_SECRET }, keys: [abc] }'),
      /32 random bytes/,
    ],
  ]
  for (const [name, text, expected] of refused)
    test(name, async () => {
      const { plan, faults } = await inspect(text)
      assert.match(faults.join('\n'), expected)
      assert.equal(plan, null)
    })

  const paths: readonly (readonly [path: string, fault: RegExp])[] = [
    ['videos', /path must be a path such as/],
    ['/a//b', /two slashes in a row/],
    ['/a/../b', /read it in two ways/],
    ['/a/./b', /read it in two ways/],
    ['/a/;x', /read it in two ways/],
    ['/a*', /"\*" is a segment of its own/],
    ['/*/a', /nothing can follow it/],
    ['/:', /is no name for a segment/],
    ['/:a-b', /is no name for a segment/],
    ['/a?b', /query/],
    ['/%41', /in its normal form this is written \/A\./],
    ['/%c3%a9', /in its normal form this is written \/%C3%A9\./],
    ['/é', /in its normal form this is written \/%C3%A9\./],
    ['/a b', /in its normal form this is written \/a%20b\./],
    ['/a%2Fb', /read it in two ways/],
    ['/a%5Cb', /read it in two ways/],
    ['/a%00b', /read it in two ways/],
    ['/a%252Fb', /read it in two ways/],
    ['/%FF', /read it in two ways/],
    ['/a|b', /in its normal form this is written \/a%7Cb\./],
  ]
  for (const [path, expected] of paths)
    test(`the path ${path}, which could never match`, async () =>
      assert.match((await inspect(routed(`path: ${JSON.stringify(path)}`))).faults.join('\n'), expected))

  for (const header of [
    'host',
    'Content-Length',
    'transfer-encoding',
    'connection',
    'x-forwarded-user',
    'authorization',
    'cookie',
    'via',
    'sec-fetch-site',
    'proxy-authorization',
    'x-request-id',
  ])
    test(`an identity header ${header}, which has a meaning of its own`, async () =>
      assert.match(
        (await inspect(route(`identity: { ${header}: sub }`))).faults.join('\n'),
        /has a meaning of its own/,
      ))

  test('an identity header that some servers read as another', async () => {
    assert.match((await inspect(route('identity: { x_user_id: sub }'))).faults.join('\n'), /must not have a "_"/)
    assert.match((await inspect(route('identity: { x-a: sub, X-A: email }'))).faults.join('\n'), /the header x-a twice/)
  })

  test('anything, without every fault of it being told, in the order of the file', async () => {
    const { faults } = await inspect(`listn: 1
routes:
  - { match: { path: a }, access: public, upstream: none }
  - { match: { path: / }, access: public, upstream: none, retries: many }
upstreams: { videos: {} }`)
    assert.deepEqual(
      faults.map(sentence => Number(/:(\d+): /.exec(sentence)?.[1])),
      [1, 3, 3, 4, 4, 5],
    )
  })

  test('a secret, where faults would repeat it', async () => {
    const { faults } = await inspect(also(`redis: ${SECRET}`).replace('https://login', 'http://login'))
    assert.ok(faults.length > 0)
    assert.ok(!faults.join('\n').includes(SECRET))
    await assert.rejects(
      readRouteFile(write('secret.yaml', also(`redis: ${SECRET}`)), { environment, now: 0 }),
      error => error instanceof OperatorError && !error.message.includes(SECRET),
    )
  })
})

describe('what a route file is warned of', () => {
  const warned: readonly (readonly [name: string, text: string, warning: RegExp, mode?: number])[] = [
    [
      'a route that never matches',
      file(
        'routes:\n  - { match: { path: "/*" }, access: public, upstream: videos }\n  - { match: { path: /videos/:id, methods: [GET] }, access: public, upstream: videos }',
      ),
      /:5: This route never matches: the one before it \(\/\*\)/,
    ],
    [
      'letting pass while nothing is heard',
      route('on_stale: { do: allow }'),
      /on_stale: allow lets revoked tokens pass/,
    ],
    [
      'identity headers on a public route',
      also().replace('access: public', 'access: public, identity: { x-a: sub }'),
      /nobody is known/,
    ],
    [
      'an upstream that nobody asks',
      also().replace('upstreams: {', 'upstreams: { films: { targets: [{ url: "http://127.0.0.1:1" }] },'),
      /No route leads to the upstream films/,
    ],
    [
      'single use without Redis',
      route('credentials: [single-use]'),
      /Without "redis" each gateway keeps what was spent to itself/,
    ],
    [
      'an issuer whose revocations nobody hears',
      also().replace(/, client_id.+\} \}/, ' }'),
      /revokes is not heard of here/,
    ],
    [
      'a secret that everybody can read',
      also('redis: redis://:hidden@127.0.0.1:6379'),
      /A secret stands in this file/,
      0o644,
    ],
    [
      'a secret file that everybody can read',
      also().replace('{ env: EDGE_SECRET }', '{ file: open.secret }'),
      /Everybody on this machine can read the secret in open\.secret/,
    ],
    [
      'a prefix that is taken off before what is guarded',
      beside('/public/*', ', strip_prefix: /public'),
      /:5: This route leads whoever comes to what \(\/admin\/\*\) guards: the service is asked for \/admin\/\* by both/,
    ],
    [
      'a path above what is guarded that anybody gets to',
      beside('/*'),
      /:4: \/admin\/\* does not take \/admin itself, which goes by \(\/\*\)/,
    ],
    ['forward-auth that nobody may ask', also('forward_auth: true'), /trusted_proxies lists nobody/],
    ['an identity key that is slow', also('identity_key: { file: rsa.pem }'), /RSA key takes ten times as long/],
    ['an identity key without work', also('identity_key: { file: identity.pem }'), /No route has an identity_token/],
  ]
  for (const [name, text, expected, mode] of warned)
    test(name, async () => {
      const { plan, warnings } = await inspect(text, mode)
      assert.match(warnings.join('\n'), expected)
      assert.ok(plan, 'a warning is no fault')
    })

  test('nothing, where what is open is meant to be', async () => {
    for (const text of [
      beside('/public/*', ', strip_prefix: /public/a').replace('/public/*', '/public/a'),
      beside('/admin'),
      beside('/assets/*'),
      `${beside('/*')}\n`.replace(
        'routes:',
        'routes:\n  - { match: { path: /admin }, upstream: videos, access: { audience: films } }',
      ),
      beside('/public/*', ', strip_prefix: /public')
        .replace('{ path: "/public/*" }', '{ path: "/public/*", methods: [GET] }')
        .replace('{ path: "/admin/*" }', '{ path: "/admin/*", methods: [POST] }'),
    ])
      assert.deepEqual((await inspect(text)).warnings, [], text)
  })

  test('nothing, where a later route is for something else', async () => {
    const { warnings } = await inspect(`${ISSUERS}
routes:
  - { match: { host: a.example, path: "/*" }, access: public, upstream: videos }
  - { match: { path: /films/:id, methods: [GET] }, access: public, upstream: videos }
  - { match: { path: /films/new, methods: [POST] }, access: public, upstream: videos }
  - { match: { path: "/films/*" }, access: public, upstream: videos }
  - { match: { path: /films }, access: public, upstream: videos }
${UPSTREAMS}`)
    assert.deepEqual(warnings, [])
  })
})

describe('what a route file means', () => {
  test('claims: nested by dots, namespaced whole, or step by step', async () => {
    const { identity } = await onlyRoute(
      route(
        'identity: { X-Country: address.country, x-roles: "https://example.com/roles", x-one: ["https://example.com/roles", "0"] }',
      ),
    )
    assert.deepEqual(identity, [
      { header: 'x-country', claim: ['address', 'country'] },
      { header: 'x-roles', claim: ['https://example.com/roles'] },
      { header: 'x-one', claim: ['https://example.com/roles', '0'] },
    ])
  })

  test('optional with a rule of its own, and bare with the audience of the file', async () => {
    const bare = await onlyRoute(`${route('name: a').replace('{ audience: films }', 'optional')}\naudience: all`)
    assert.equal(bare.access.kind === 'optional' && bare.access.rule.audience, 'all')
    const own = await onlyRoute(
      route('name: a').replace('{ audience: films }', '{ optional: { audience: films, max_age: 5m } }'),
    )
    assert.deepEqual(own.access.kind === 'optional' && [own.access.rule.audience, own.access.rule.maxAgeSeconds], [
      'films',
      300,
    ])
  })

  test('internal as the file says, or as the route does', async () => {
    const internal = 'internal: { clients: [reports], addresses: [10.0.0.0/8], audience: inside }'
    const shared = await onlyRoute(`${route('name: a').replace('{ audience: films }', 'internal')}\n${internal}`)
    assert.ok(shared.access.kind === 'internal')
    assert.deepEqual([shared.access.clients, shared.access.rule?.audience], [['reports'], 'inside'])
    assert.deepEqual(
      [shared.access.addresses.check('10.1.2.3'), shared.access.addresses.check('11.1.2.3')],
      [true, false],
    )
    const own = await onlyRoute(route('name: a').replace('{ audience: films }', '{ internal: { addresses: ["::1"] } }'))
    assert.deepEqual(own.access.kind === 'internal' && [own.access.rule, own.credentials], [null, []])
  })

  test('a credential goes on to the service only where bearer tokens alone are taken, or the file says so', async () => {
    assert.equal((await onlyRoute(route('name: a'))).forwardCredential, true)
    assert.equal((await onlyRoute(route('credentials: [bearer, api-key]'))).forwardCredential, false)
    assert.equal((await onlyRoute(also())).forwardCredential, false)
    assert.equal((await onlyRoute(route('credentials: [api-key], forward_credential: true'))).forwardCredential, true)
  })

  test('secrets from a file without its line break, and from the environment', async () => {
    const plan = await planOf(also('redis: { env: REDIS }').replace('{ env: EDGE_SECRET }', '{ file: edge.secret }'))
    assert.equal(plan.redisUrl, environment.REDIS)
    assert.equal(plan.issuers[0]?.client?.secret, SECRET)
  })

  test('an HS256 secret for its audience, and the algorithm with it', async () => {
    const [issuer] = (
      await planOf(also().replace('client_id', 'hs256: [{ audience: a, secret: { env: EDGE_SECRET } }], client_id'))
    ).issuers
    assert.deepEqual(issuer?.hs256, [{ audience: 'a', kid: null, secret: Buffer.from(SECRET) }])
    assert.ok(issuer?.algorithms.includes('HS256'))
  })

  test('a session with the only issuer and the audience of the file', async () => {
    const { session } = await planOf(
      `${route('credentials: [session]')}\naudience: films\nredis: { env: REDIS }\nsession: { client_id: web, client_secret: { env: EDGE_SECRET }, keys: [${'ab'.repeat(32)}, ${Buffer.alloc(32, 7).toString('base64')}] }`,
    )
    assert.equal(session?.issuer.issuer, 'https://login.example/')
    assert.equal(session?.audience, 'films')
    assert.deepEqual(
      session?.keys.map(key => key.length),
      [32, 32],
    )
  })

  test('every file that it names, for whoever watches them', async () => {
    const { files } = await inspect(
      also('identity_key: { file: identity.pem }').replace('{ env: EDGE_SECRET }', '{ file: edge.secret }'),
    )
    assert.deepEqual(files.slice(1), [join(folder, 'edge.secret'), join(folder, 'identity.pem')])
  })
})

describe('the table of members', () => {
  const all = (place: string, members: Members): (readonly [string, Members[string]])[] =>
    Object.entries(members).flatMap(([name, member]) => [
      [`${place}${name}`, member] as const,
      ...(member.form.members ? all(`${place}${name}.`, member.form.members) : []),
    ])

  test('says in a sentence what each of them does', () => {
    for (const [name, { sentence }] of all('', FILE)) assert.match(sentence, /^[A-Z`].*\.$/s, name)
  })

  test('has defaults that are of their own form', async () => {
    const plan = await planOf(also())
    assert.deepEqual(plan.bounds, {
      headerBytes: 16 * 1024,
      headerTimeout: 10 * SECOND,
      requestTimeout: 5 * MINUTE,
      idleTimeout: MINUTE,
      connections: 10_000,
    })
    assert.deepEqual(plan.routes[0]?.timeout, { connect: SECOND, response: 30 * SECOND, total: 5 * MINUTE })
  })
})
