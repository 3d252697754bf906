import assert from 'node:assert/strict'
import { test } from 'node:test'
import { joinSecrets, keepSecrets, splitSecrets } from './connection-secrets.ts'

test('what is secret in options is taken out, however deep and however it is spelt, and put back as it was', () => {
  const given = {
    client_id: 'app',
    client_secret: 's3cret-one',
    clientSecret: null,
    passwordPolicy: 'good',
    password_history: { enable: true, size: 3 },
    configuration: { API_KEY: 's3cret-two' },
    gateway: { authentication: { method: 'bearer', secret: 's3cret-three' }, url: 'https://sms.example' },
    bitbucket: { privateKey: 's3cret-four' },
    upstreams: [{ name: 'one', client_secret: 's3cret-five' }, 'two', [{ password: 's3cret-six' }]],
    authentication_methods: { password: { enabled: true, secret: 's3cret-seven' } },
  }
  const { options, secrets } = splitSecrets(given)
  assert.doesNotMatch(JSON.stringify(options), /s3cret/)
  assert.equal(options['passwordPolicy'], 'good')
  assert.deepEqual(options['password_history'], given.password_history)
  assert.deepEqual(options['upstreams'], [{ name: 'one' }, 'two', [{}]])
  assert.deepEqual(options['authentication_methods'], { password: { enabled: true } })
  assert.ok(secrets)
  assert.deepEqual(joinSecrets(options, secrets), given)
})

test('options without a secret have nothing to seal', () =>
  assert.deepEqual(splitSecrets({ passwordPolicy: 'good' }), { options: { passwordPolicy: 'good' }, secrets: null }))

test('a member called __proto__ is a member', () => {
  const given = JSON.parse('{"__proto__":{"client_secret":"s3cret"}}')
  const { options, secrets } = splitSecrets(given)
  assert.ok(secrets)
  assert.equal(JSON.stringify(joinSecrets(options, secrets)), JSON.stringify(given))
  assert.equal(({} as Record<string, unknown>)['client_secret'], undefined)
})

test('options that leave a secret out keep it; one that is null, or whose surroundings are gone, is gone', () => {
  const list = [
    { name: 'a', secret: 's3cret-a' },
    { name: 'b', secret: 's3cret-b' },
  ]
  const before = { client_secret: 's3cret', gateway: { url: 'x', auth: { secret: 's3cret-two' } }, list }
  assert.deepEqual(keepSecrets({ gateway: { url: 'y', auth: {} } }, before), {
    client_secret: 's3cret',
    gateway: { url: 'y', auth: { secret: 's3cret-two' } },
  })
  assert.deepEqual(keepSecrets({ client_secret: null }, before), { client_secret: null })
  assert.deepEqual(keepSecrets({ client_secret: 'another' }, before), { client_secret: 'another' })
  // What another entry had is not given to the one that has come to its place.
  const moved = { client_secret: null, list: [{ name: 'b' }, { name: 'b' }, { name: 'c' }] }
  assert.deepEqual(keepSecrets(moved, before)['list'], [
    { name: 'b' },
    { name: 'b', secret: 's3cret-b' },
    { name: 'c' },
  ])
})
