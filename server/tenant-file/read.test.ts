import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { OperatorError } from '../kernel/errors.ts'
import { SECOND } from '../kernel/seconds.ts'
import { parseTenantFile, readTenantFile } from './read.ts'

const parse = (text: string) => parseTenantFile({ name: 'tenant.yaml', text })

const faultsOf = async (text: string): Promise<string> => {
  try {
    const { findings } = await parse(text)
    findings.settle()
  } catch (error) {
    assert.ok(error instanceof OperatorError, String(error))
    return error.message
  }
  return assert.fail(`nobody minded:\n${text}`)
}

const client = (more: string) => `clients: [{ client_id: a, name: A, ${more} }]`
const api = (more: string) => `resourceServers: [{ identifier: https://api.example, ${more} }]`
const user = (more: string) => `users: [{ email: ann@example.com, ${more} }]`
const BCRYPT = '$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy'
const LONG = 'a-secret-of-more-than-thirty-two-bytes'

describe('what a tenant file may not say', () => {
  const refused: readonly (readonly [name: string, text: string, fault: RegExp])[] = [
    ['a callback that a browser runs', client('callbacks: ["javascript:alert(1)"]'), /javascript:alert/],
    ['the same behind a line break', client('callbacks: ["java\\nscript:alert(1)"]'), /not a URL/],
    ['a callback that holds its own page', client('callbacks: ["data:text/html,x"]'), /not a URL/],
    ['a callback with a fragment', client('callbacks: [https://a.example/#x]'), /without a fragment/],
    ['a client id with a line break', 'clients: [{ client_id: "a\\nb", name: A }]', /visible ASCII/],
    ['one client id twice', 'clients: [{ client_id: a, name: A }, { client_id: a, name: B }]', /twice/],
    ['two nameless clients of one name', 'clients: [{ name: A }, { name: A }]', /give this one a client_id/],
    [
      'a certificate that nobody asks for',
      client('\n  client_authentication_methods: { self_signed_tls_client_auth: { credentials: [{ id: cred_1 }] } } '),
      /:2: .*not built/,
    ],
    ['HS256 for ID tokens', client('jwt_configuration: { alg: HS256 }'), /alg must be one of/],
    ['a lifetime of ages', client('refresh_token: { token_lifetime: 9007199254740991 }'), /hundred years/],
    ['a scope with a space', api('scopes: [{ value: "a b" }]'), /RFC 6749 §3\.3/],
    ['a scope of OpenID Connect', api('scopes: [{ value: offline_access }]'), /scope of OpenID Connect/],
    ['a short HS256 secret', api('signing_alg: HS256, signing_secret: short'), /32 bytes/],
    [
      'one HS256 secret for two APIs',
      `resourceServers:\n${['a', 'b'].map(id => `  - { identifier: ${id}, signing_alg: HS256, signing_secret: ${LONG} }\n`).join('')}`,
      /:3: .*tokens for both/,
    ],
    ['what is not an address', 'users: [{ email: ann, password: long enough }]', /not an e-mail address/],
    ['one address in two cases', 'users: [{ email: a@b.example }, { email: A@B.example }]', /letter case/],
    ['a password of seven characters', user('password: seven77'), /shorter than 8/],
    ['a password that is a number', user('password: 1234567890'), /put it in quotes/],
    [
      'half a hash',
      user('password_hash: "$2b$10$abcdefghijklmnopqrstuv"'),
      /cannot be imported\. It is not of the form/,
    ],
    ['a hash of no known kind', user('password_hash: 5f4dcc3b5aa765d61d8327deb882cf99'), /no format that is known/],
    ['a hash that would take a minute', user(`password_hash: ${BCRYPT.replace('$10$', '$20$')}`), /two seconds/],
    ['a hash and a password', user(`password: long enough to be, password_hash: ${BCRYPT}`), /has one of password/],
    ['two hashes', user(`password_hash: ${BCRYPT}, custom_password_hash: { algorithm: md5 }`), /has one of password/],
    [
      'a digest that nobody has',
      user('custom_password_hash: { algorithm: md4, hash: { value: ab } }'),
      /custom_password_hash cannot/,
    ],
    ['another provider’s user', user('user_id: "google-oauth2|1", password: long enough'), /user_id must be auth0/],
    ['a website that is a script', user('password: long enough, website: "javascript:x"'), /website must be a URL/],
    ['a name without end', user(`password: long enough, name: ${'x'.repeat(301)}`), /name must be 1 to 300 characters/],
    [
      'a name that a terminal obeys',
      user('password: long enough, nickname: "\\e[2J"'),
      /nickname must be .* on one line/,
    ],
    ['a blank name', user('password: long enough, given_name: "  "'), /given_name must be/],
    ['a town of two lines', user('password: long enough, address: { locality: "a\\nb" }'), /locality must be/],
    [
      'a picture without end',
      user(`password: long enough, picture: "https://p.example/${'x'.repeat(2000)}"`),
      /picture is longer/,
    ],
    ['metadata without end', user(`app_metadata: { a: ${'x'.repeat(17_000)} }`), /larger than 16 KiB/],
    ['a session without end', 'tenant: { session_lifetime: 1e12 }', /hours above 0/],
    ['a list that is none', 'clients: { client_id: a }', /clients must be a list/],
    ['nothing at all', '# all gone', /must be a mapping/],
  ]
  for (const [name, text, fault] of refused)
    test(name, async () => {
      assert.match(await faultsOf(text), fault)
    })

  test('a fault names its own line, and twenty are enough', async () => {
    const text = `clients:\n${Array.from({ length: 30 }, (_, index) => `  - client_id: c${index}\n    name: [x]`).join('\n')}`
    const lines = (await faultsOf(text)).split('\n')
    assert.equal(lines[1], 'tenant.yaml:3: name must be text.')
    assert.equal(lines[2], 'tenant.yaml:5: name must be text.')
    assert.deepEqual([lines.length, lines.at(-1)], [22, 'and 10 more.'])
  })

  test('each URL that is none is named on its own line', async () => {
    const text =
      'clients:\n  - client_id: a\n    name: A\n    callbacks:\n      - /one\n      - https://a.example\n      - /two\n'
    const lines = (await faultsOf(text)).split('\n').slice(1)
    assert.deepEqual(
      lines.map(line => line.slice(0, 38)),
      ['tenant.yaml:5: callbacks holds "/one",', 'tenant.yaml:7: callbacks holds "/two",'],
    )
  })

  test('all that is wrong with a user is told at once', async () => {
    const message = await faultsOf(
      'users:\n  - email: ann\n    user_id: "google-oauth2|1"\n    password: short\n    app_metadata: [x]\n',
    )
    assert.deepEqual(message.match(/yaml:\d+/g), ['yaml:2', 'yaml:3', 'yaml:4', 'yaml:5'])
  })

  test('no fault repeats a secret', async () => {
    const messages = await Promise.all([
      faultsOf(`${client('client_secret: [hunter2]')}`),
      faultsOf(user('password: hunter2')),
      faultsOf(user('password_hash: hunter2')),
      faultsOf(user('password_hash: $6$hunter2')),
      faultsOf(user('custom_password_hash: hunter2')),
      faultsOf(user('password_hash: { algorithm: hunter2, hashIterations: hunter2, salt: hunter2 }')),
      faultsOf(api('signing_alg: HS256, signing_secret: hunter2')),
      faultsOf('users:\n  - password: *hunter2'),
      faultsOf('users:\n  - password: !hunter2 x'),
      faultsOf('users:\n  - password: "hunter2\\q"'),
      faultsOf('users:\n  - password: hunter2: x'),
      faultsOf('users:\n  - password: @hunter2'),
    ])
    for (const message of messages) {
      assert.match(message, /tenant\.yaml:[12]: /)
      assert.doesNotMatch(message, /hunter2/)
    }
  })
})

describe('YAML that is more than data', () => {
  test('aliases may repeat a list and may not multiply the file', async () => {
    const { clients } = await parse(
      'clients:\n  - { client_id: a, name: A, callbacks: &urls [https://a.example] }\n  - { client_id: b, name: B, callbacks: *urls }\n',
    )
    assert.deepEqual(clients[1]?.metadata['callbacks'], ['https://a.example'])

    const levels = Array.from({ length: 30 }, (_, level) => `l${level + 1}: &l${level + 1} [*l${level}, *l${level}]`)
    const began = performance.now()
    assert.match(await faultsOf(`l0: &l0 [lol, lol]\n${levels.join('\n')}`), /Aliases repeat too much/)
    assert.match(await faultsOf('clients: &self [*self]'), /alias names no anchor/)
    assert.match(await faultsOf('['.repeat(100_000)), /cannot be applied/)
    assert.match(await faultsOf(`a: ${'['.repeat(200)}${']'.repeat(200)}`), /nested more than 50 deep/)
    assert.ok(performance.now() - began < 5 * SECOND)
  })

  const refused: readonly (readonly [name: string, text: string, fault: RegExp])[] = [
    ['a key said twice, so that a reviewer reads the harmless one', 'tenant:\n  a: 1\n  a: 2', /:3: a is there twice/],
    ['a key that is a prototype', 'tenant: { __proto__: { admin: true } }', /No member may have this name/],
    ['a key that is a list', '? [a]\n: b', /non string key/],
    ['a second document', 'tenant: {}\n---\ntenant: {}', /multiple docs/],
    ['bytes', 'tenant: { picture_url: !!binary aGVsbG8= }', /type that JSON does not have/],
    ['a type of somebody’s own', 'tenant: { picture_url: !js x }', /tag resolve failed/],
    ['what is not a number', 'tenant: { a: .nan }', /cannot be kept exactly/],
    ['half a character', 'tenant: { friendly_name: "\\ud800" }', /not a character/],
  ]
  for (const [name, text, fault] of refused)
    test(name, async () => {
      assert.match(await faultsOf(text), fault)
    })
})

describe('warnings', () => {
  const warningsOf = async (text: string) => (await parse(text)).findings.warnings()

  test('a wildcard is kept and never matches', async () => {
    const file = await parse(client('callbacks: ["https://*.example.com/cb"]'))
    assert.deepEqual(file.clients[0]?.metadata['callbacks'], ['https://*.example.com/cb'])
    assert.match(file.findings.warnings()[0] ?? '', /^tenant\.yaml:1: .*never matches/)
    const each = 'clients:\n  - name: A\n    callbacks:\n      - https://a.example\n      - https://*.example\n'
    assert.match((await warningsOf(each))[0] ?? '', /^tenant\.yaml:5: /)
    const ofTenant = 'tenant:\n  allowed_logout_urls:\n    - https://*.example\n'
    assert.match((await warningsOf(ofTenant))[0] ?? '', /^tenant\.yaml:3: /)
  })

  test('members of an export without effect are named once per kind, at every depth', async () => {
    const found = await warningsOf(`friends: [x]
clients:
  - { client_id: a, name: A, addons: { samlp: {}, layer: 1 }, constructor: x }
  - { client_id: b, name: B, addons: { layer: 1 }, client_aliases: [], sso_disabled: false, refresh_token: { policies: [1] } }
resourceServers:
  - identifier: x
    scopes:
      - { value: a, addons: 1 }
roles: [{ name: R, owner: x, permissions: [] }]
attackProtection: { botDetection: { bot_detection_level: low }, fog: 1 }
`)
    assert.deepEqual(found, [
      'tenant.yaml:1: "friends" of the file has no effect.',
      'tenant.yaml:3: "addons" of a client has no effect.',
      'tenant.yaml:3: "constructor" of a client has no effect.',
      'tenant.yaml:4: "refresh_token.policies" of a client has no effect.',
      'tenant.yaml:8: "addons" of a scope has no effect.',
      'tenant.yaml:9: "owner" of a role has no effect.',
      'tenant.yaml:10: "fog" of attackProtection has no effect.',
    ])
  })

  test('what an export holds of things that there are none of is passed over, and each that there is has one warning', async () => {
    const found = await warningsOf(`actions: [{ name: Greet, code: x }, { name: Part, code: y }]
triggers: { post-login: [] }
rules: []
guardianFactors: [{ name: sms, enabled: false }]
guardianPolicies: { policies: [] }
logStreams: null
forms: [{ name: Sign in }]
`)
    assert.deepEqual(found, [
      'tenant.yaml:1: "actions" has no effect: code of your own is not run. Whoever it would turn away is let in, and claims that it would add are missing: `claims` of a client or an API adds them.',
      'tenant.yaml:7: "forms" has no effect: nobody is shown a form of yours on the way in.',
    ])
  })

  test('words of auth0-deploy-cli are replaced before anything is read, and each without a value is told once', async () => {
    const text = `tenant:
  friendly_name: 'The ##NAME## of ##TOWN##'
  enabled_locales: '@@LOCALES@@'
  support_email: help@##TOWN##.example
`
    const { settings, findings } = await parseTenantFile(
      { name: 'tenant.yaml', text },
      { NAME: 'Club of ##TOWN##', LOCALES: ['en', 'de'] },
    )
    assert.deepEqual(settings['enabled_locales'], ['en', 'de'])
    assert.equal(settings['friendly_name'], 'The Club of ##TOWN## of ##TOWN##')
    assert.deepEqual(
      findings.warnings().map(warning => warning.slice(0, 24)),
      ['tenant.yaml:2: ##TOWN## '],
    )
  })

  test('what stands there for a gateway is the gateway’s to read', async () => {
    assert.deepEqual(await warningsOf('gateway: { routes: [] }'), [])
  })

  test('what an export leaves empty is not set', async () => {
    const text = client('description: "", logo_uri: "", token_endpoint_auth_method: null')
    assert.deepEqual(await warningsOf(text), [])
  })
})

test('a file that is missing, is no text or is too large is refused in a sentence', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-tenant-file-'))
  const file = join(folder, 'tenant.yaml')
  const refusal = (message: RegExp) => ({ name: 'OperatorError', message })
  try {
    assert.throws(() => readTenantFile(file), refusal(/cannot be read: ENOENT/))
    assert.throws(() => readTenantFile(folder), refusal(/is a folder; name the YAML file in it/))
    writeFileSync(file, Buffer.from([0x61, 0xff]))
    assert.throws(() => readTenantFile(file), refusal(/not UTF-8/))
    writeFileSync(file, Buffer.alloc(10 * 1024 * 1024 + 1, '#'))
    assert.throws(() => readTenantFile(file), refusal(/larger than 10 MiB/))
  } finally {
    rmSync(folder, { recursive: true })
  }
})
