import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import fastify from 'fastify'
import { OperatorError } from '../kernel/errors.ts'
import { loadSettings } from './load.ts'
import { options } from './schema.ts'

describe('settings', () => {
  test('have a default each, with nothing left to decide later', () => {
    const settings = loadSettings({})
    assert.deepEqual(Object.keys(settings).sort(), Object.keys(options).sort())
    assert.ok(Object.values(settings).every(value => value !== undefined))
    assert.equal(settings.port, 4000)
    assert.equal(settings.host, '127.0.0.1')
    assert.equal(settings.issuer, 'http://localhost:4000/')
    assert.equal(settings.dataFolder, resolve('data'))
    assert.equal(settings.masterKeyFile, resolve('data/master.key'))
    assert.equal(settings.databaseUrl, null)
    assert.equal(settings.adminPassword, null)
    assert.deepEqual(settings.trustedProxies, [])
  })

  test('that are empty count as unset', () =>
    assert.deepEqual(
      loadSettings(Object.fromEntries(Object.values(options).map(option => [option.name, '']))),
      loadSettings({}),
    ))

  for (const raw of [
    'http://:hunt-er@host',
    'redis://',
    'redis://:hunt/er@host',
    'redis://:hunt#er@host',
    'redis://:hunt?er@host:1',
    'redis://:hunt-er@host/db',
    'redis://:hunt-er@host?tls=none',
    ':hunt-er@host',
  ])
    test('of a Redis refuse what is no URL of one, and repeat nothing of it', () =>
      assert.throws(
        () => loadSettings({ LATCHKEY_REDIS_URL: raw }),
        (error: unknown) => error instanceof OperatorError && !/hunt/.test(inspect(error)),
      ))

  test('of a Redis take a URL with or without a user, a port and a number', () => {
    for (const raw of ['redis://localhost', 'rediss://user:p%40ss@redis.example.com:6380/3', 'redis://[::1]:6379/'])
      assert.equal(loadSettings({ LATCHKEY_REDIS_URL: raw }).redisUrl, raw)
  })

  test('lean on each other: the issuer on the port, the master key on the folder', () => {
    const settings = loadSettings({ LATCHKEY_PORT: '5000', LATCHKEY_DATA: '/var/lib/latchkey' })
    assert.equal(settings.issuer, 'http://localhost:5000/')
    assert.equal(settings.masterKeyFile, '/var/lib/latchkey/master.key')
    assert.equal(
      loadSettings({ LATCHKEY_PORT: '5000', LATCHKEY_ISSUER: 'https://id.example/' }).issuer,
      'https://id.example/',
    )
  })

  test('make the issuer follow TLS, and the way to have it follow what is given for it', () => {
    const auto = loadSettings({ LATCHKEY_TLS: 'auto', LATCHKEY_PORT: '4443' })
    assert.deepEqual([auto.tls, auto.issuer], ['auto', 'https://localhost:4443/'])
    assert.equal(loadSettings({ LATCHKEY_TLS: 'auto', LATCHKEY_PORT: '443' }).issuer, 'https://localhost/')
    const files = loadSettings({ LATCHKEY_TLS_CERT: 'cert.pem', LATCHKEY_TLS_KEY: '/etc/key.pem' })
    assert.deepEqual([files.tls, files.tlsCert, files.tlsKey], ['files', resolve('cert.pem'), '/etc/key.pem'])
    assert.equal(loadSettings({}).tls, 'off')
  })

  test('take several workers on PostgreSQL, and refuse them over an embedded database', () => {
    const shared = { LATCHKEY_DATABASE_URL: 'postgres://localhost/' }
    assert.equal(loadSettings({ ...shared, LATCHKEY_WORKERS: '4' }).workers, 4)
    assert.equal(loadSettings({ LATCHKEY_WORKERS: '1' }).workers, 1)
    assert.throws(
      () => loadSettings({ LATCHKEY_WORKERS: '2' }),
      /^OperatorError: LATCHKEY_WORKERS needs LATCHKEY_DATABASE_URL/,
    )
    for (const raw of ['0', '-1', '1.5', '100', 'auto'])
      assert.throws(() => loadSettings({ ...shared, LATCHKEY_WORKERS: raw }), /from 1 to 99/)
  })

  test('of TLS that contradict each other are refused', () => {
    const cert = { LATCHKEY_TLS_CERT: 'cert.pem' }
    const refused: [Record<string, string>, RegExp][] = [
      [cert, /^LATCHKEY_TLS_KEY and LATCHKEY_TLS_CERT belong together/],
      [{ LATCHKEY_TLS_KEY: 'key.pem' }, /^LATCHKEY_TLS_KEY and LATCHKEY_TLS_CERT belong together/],
      [{ ...cert, LATCHKEY_TLS_KEY: 'key.pem', LATCHKEY_TLS: 'auto' }, /^LATCHKEY_TLS is to be unset/],
      [{ LATCHKEY_TLS: 'on' }, /^LATCHKEY_TLS must be one of off, auto/],
      [{ LATCHKEY_TLS: 'auto', LATCHKEY_ISSUER: 'http://id.example/' }, /^LATCHKEY_ISSUER must begin with https/],
    ]
    for (const [environment, sentence] of refused)
      assert.throws(
        () => loadSettings(environment),
        error => error instanceof OperatorError && sentence.test(error.message),
      )
  })

  test('read a list of proxies with and without spaces', () =>
    assert.deepEqual(loadSettings({ LATCHKEY_TRUSTED_PROXIES: '10.0.0.1, 10.1.0.0/16,' }).trustedProxies, [
      '10.0.0.1',
      '10.1.0.0/16',
    ]))

  test('list what may be fetched from as hosts, addresses and ranges, and nothing looser', () => {
    const read = (list: string) => loadSettings({ LATCHKEY_EGRESS_ALLOW: list }).egressAllow
    assert.deepEqual(read('Keys.internal, 10.0.0.0/8,fd00::/8,::1, localhost'), [
      'keys.internal',
      '10.0.0.0/8',
      'fd00::/8',
      '::1',
      'localhost',
    ])
    for (const loose of [
      '*',
      '*.internal',
      '0.0.0.0/0',
      '::/0',
      'keys.internal:8443',
      'https://keys.internal',
      '127.1',
    ])
      assert.throws(() => read(loose), OperatorError, loose)
  })

  test('take every proxy that the HTTP layer can read, and none that would stop it', () => {
    const listed = ['192.0.2.1', '10.0.0.0/8', '192.0.2.1/32', '2001:db8::1', 'fd00::/7', '::ffff:10.0.0.1', '::1/128']
    const { trustedProxies } = loadSettings({ LATCHKEY_TRUSTED_PROXIES: listed.join(',') })
    assert.deepEqual(trustedProxies, listed)
    assert.doesNotThrow(() => fastify({ trustProxy: [...trustedProxies] }))
  })

  test('take the forms of a database URL that PostgreSQL’s own tools take', () => {
    for (const url of [
      'postgres://latchkey@127.0.0.1:5432/latchkey',
      'postgresql://user:p%40ss%2Fword@[::1]/latchkey?sslmode=require',
      'postgres:///latchkey?host=/var/run/postgresql',
      'postgres://user:p@ss@host/latchkey',
    ])
      assert.equal(loadSettings({ LATCHKEY_DATABASE_URL: url }).databaseUrl, url)
  })
})

describe('a setting that makes no sense is refused, and the sentence says what to write', () => {
  for (const [name, value, says] of [
    ['LATCHKEY_PORT', 'http', /0 to 65535/],
    ['LATCHKEY_PORT', '65536', /0 to 65535/],
    ['LATCHKEY_PORT', '-1', /0 to 65535/],
    ['LATCHKEY_PORT', '4000.5', /0 to 65535/],
    ['LATCHKEY_PORT', '0x50', /0 to 65535/],
    ['LATCHKEY_PORT', '1e3', /0 to 65535/],
    ['LATCHKEY_PORT', ' 4000', /0 to 65535/],
    ['LATCHKEY_ISSUER', 'id.example', /http or https URL/],
    ['LATCHKEY_ISSUER', 'ftp://id.example/', /http or https URL/],
    ['LATCHKEY_ISSUER', 'https://id.example', /"https:\/\/id\.example\/", with the slash/],
    ['LATCHKEY_ISSUER', 'https://ID.example/', /"https:\/\/id\.example\/"/],
    ['LATCHKEY_ISSUER', 'https://id.example:443/', /"https:\/\/id\.example\/"/],
    ['LATCHKEY_ISSUER', 'https://id.example/realms/one', /bare origin/],
    ['LATCHKEY_ISSUER', 'https://id.example/?tenant=one', /bare origin/],
    ['LATCHKEY_ISSUER', 'https://id.example/#one', /bare origin/],
    ['LATCHKEY_ISSUER', 'https://user@id.example/', /bare origin/],
    ['LATCHKEY_DATABASE_URL', 'mysql://localhost/', /postgres:\/\//],
    ['LATCHKEY_DATABASE_URL', 'postgres://user:pass@host:abc/latchkey', /form postgres:\/\//],
    ['LATCHKEY_DATABASE_URL', 'postgres://user:pa/ss@host/latchkey', /"\/".+%2F/],
    ['LATCHKEY_SQLITE_SYNCHRONOUS', 'off', /full, normal/],
    ['LATCHKEY_TRUSTED_PROXIES', 'foo', /IP addresses or CIDR ranges.+"foo"/],
    ['LATCHKEY_TRUSTED_PROXIES', 'loopback', /"loopback" is neither/],
    ['LATCHKEY_TRUSTED_PROXIES', '10.0.0.1,10.1.0.0/33', /"10\.1\.0\.0\/33" is neither/],
    ['LATCHKEY_TRUSTED_PROXIES', '0.0.0.0/0', /is neither/],
    ['LATCHKEY_TRUSTED_PROXIES', '10.0.0.0/255.0.0.0', /is neither/],
    ['LATCHKEY_TRUSTED_PROXIES', '10.0.0.0/8/8', /is neither/],
    ['LATCHKEY_TRUSTED_PROXIES', '::1/129', /is neither/],
    ['LATCHKEY_TRUSTED_PROXIES', 'fe80::1%eth0', /is neither/],
    ['LATCHKEY_TRUSTED_PROXIES', '127.1', /is neither/],
    ['LATCHKEY_EVENT_RETENTION', 'ever', /number of days.+"ever"/],
    ['LATCHKEY_EVENT_RETENTION', '-1', /number of days/],
    ['LATCHKEY_LOG_LEVEL', 'verbose', /debug, info, warn, error, silent/],
  ] as const)
    test(`${name}=${value}`, () =>
      assert.throws(
        () => loadSettings({ [name]: value }),
        (error: unknown) => {
          assert.ok(error instanceof OperatorError)
          assert.ok(error.message.startsWith(name), error.message)
          assert.match(error.message, says)
          return true
        },
      ))

  for (const url of [
    'mysql://user:hunter2@localhost/',
    'postgres://user:hunter2@host:abc/latchkey',
    'postgres://user:hunter2/@host/latchkey',
    'postgres://user:12/hunter2@host/latchkey',
    'postgres://user:12?hunter2@host/latchkey',
    'postgres://user:12#hunter2@host/latchkey',
    'postgres://user:hunter2@[host/latchkey',
  ])
    test(`the database URL ${url} is not repeated, for the password in it`, () =>
      assert.throws(
        () => loadSettings({ LATCHKEY_DATABASE_URL: url }),
        error => error instanceof OperatorError && !inspect(error).includes('hunter2'),
      ))

  test('a name that is no setting is a typing error, not a wish', () =>
    assert.throws(() => loadSettings({ LATCHKEY_ISSUR: 'https://id.example/' }), /LATCHKEY_ISSUR is not a setting/))

  test('names of others, and those of the tools around the server, are left alone', () =>
    assert.doesNotThrow(() => loadSettings({ PATH: '/bin', LATCHKEY_TEST_POSTGRES: 'x', LATCHKEY_BENCH_RUNS: '3' })))
})
