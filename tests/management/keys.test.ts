/** `/keys/signing`, with Auth0's own library: what is shown, how a key changes hands, and what a revoked one is worth. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { DAY, MINUTE } from '../../server/kernel/seconds.ts'
import { ANN, API, askToken, askUserinfo, CookieJarBrowser, MACHINE, tenantFile, tokensFor } from '../attacks/stage.ts'
import { type Management, startManagement } from '../fixtures/management.ts'
import { createTestClock } from '../fixtures/test-clock.ts'

describe('Signing keys', () => {
  const clock = createTestClock()
  let management: Management
  before(async () => {
    management = await startManagement({ tenantFile, clock: clock.now })
  })
  after(() => management?.close())

  const published = async () => {
    const { body } = await new CookieJarBrowser(management.server).get('/.well-known/jwks.json')
    return (JSON.parse(body) as { keys: { kid: string; n?: string }[] }).keys
  }
  const headerOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())
  const asMachine = async () => {
    const answer = await askToken(management.server, { ...MACHINE, grant_type: 'client_credentials', audience: API })
    return String(answer.json()['access_token'])
  }

  test('are shown with the certificate of the key that tokens are signed with', async () => {
    const keys = await management.client.keys.signing.list()
    const current = keys.filter(key => key.current)
    assert.equal(current.length, 1)
    const [key] = current
    assert.equal(key?.kid, headerOf(await asMachine()).kid)
    const certificate = new X509Certificate(key?.cert ?? '')
    const [jwk] = await published()
    assert.equal(certificate.publicKey.export({ format: 'jwk' }).n, jwk?.n)
    assert.ok(certificate.verify(certificate.publicKey), 'signed by itself')
    assert.equal(key?.fingerprint, certificate.fingerprint)
    assert.equal(key?.thumbprint, certificate.fingerprint.replaceAll(':', ''))
    assert.match(key?.pkcs7 ?? '', /^-----BEGIN PKCS7-----\n/)
    assert.ok(Date.parse(String(key?.current_since)) <= clock.now())
    assert.deepEqual([key?.next, key?.previous, key?.revoked], [false, false, false])
    assert.deepEqual(await management.client.keys.signing.get(key?.kid ?? ''), key)
    const { status, body } = await management.call('GET', '/keys/signing/key_of_nobody')
    assert.deepEqual([status, body.errorCode], [404, 'inexistent_signing_key'])
    assert.doesNotMatch(JSON.stringify(keys), /PRIVATE|sealed/)
  })

  test('change hands when every verifier has the next one, and keep their certificates', async () => {
    const { signing } = management.client.keys
    const [before] = await signing.list()
    const rotated = await signing.rotate()
    const [current, next] = await signing.list()
    assert.equal(current?.kid, before?.kid, 'it goes on signing until the next one is known')
    assert.deepEqual([next?.kid, next?.cert, next?.next], [rotated.kid, rotated.cert, true])
    assert.ok((await published()).some(({ kid }) => kid === rotated.kid))
    const event = (
      await management.server.latchkey.store.events.search(
        'default',
        { types: ['key.rotated'] },
        { order: 'newest-first', limit: 1 },
      )
    )[0]
    assert.deepEqual([event?.actor.kind, event?.actor.id], ['client', 'management-root'])
    assert.equal(event?.personal['address'], '127.0.0.1')

    clock.advance(DAY + MINUTE)
    const token = await management.tokenWith('update:signing_keys', 'read:signing_keys')
    const answer = await management.call('POST', '/keys/signing/rotate', undefined, { token })
    assert.deepEqual([answer.status, answer.body], [201, rotated])
    const { body } = await management.call('GET', '/keys/signing', undefined, { token })
    const [now, former] = body
    assert.deepEqual([now.kid, now.current, now.cert], [rotated.kid, true, rotated.cert])
    assert.deepEqual([former.kid, former.previous, former.cert], [before?.kid, true, before?.cert])
    assert.ok(former.current_until)
  })

  test('are worth nothing any more once they are revoked, and their successor signs at once', async () => {
    const { server } = management
    const tokens = await tokensFor(server, ANN, { browser: new CookieJarBrowser(server), scope: 'openid' })
    const { kid } = headerOf(tokens.access_token)
    assert.equal((await askUserinfo(server, tokens.access_token)).status, 200)
    const machine = await management.tokenWith('update:signing_keys')
    const revoked = (await management.call('PUT', `/keys/signing/${kid}/revoke`, undefined, { token: machine })).body
    assert.equal(revoked.kid, kid)
    assert.equal((await askUserinfo(server, tokens.access_token)).status, 401)
    // The token of whoever asked was of that key, too.
    assert.equal((await management.call('GET', '/keys/signing', undefined, { token: machine })).status, 401)
    const token = await management.tokenWith('read:signing_keys', 'update:signing_keys')
    const { body } = await management.call('GET', '/keys/signing', undefined, { token })
    const [current] = body
    const former = body.find((key: { kid: string }) => key.kid === kid)
    assert.notEqual(current.kid, kid)
    assert.equal(current.current, true)
    assert.deepEqual([former.kid, former.revoked, former.current, former.cert], [kid, true, false, revoked.cert])
    assert.ok(former.revoked_at)
    assert.equal((await management.call('PUT', `/keys/signing/${kid}/revoke`, {}, { token })).status, 200, 'once more')
    assert.equal((await management.call('PUT', '/keys/signing/none/revoke', {}, { token })).status, 404)
    const reader = await management.tokenWith('read:signing_keys')
    for (const [method, path] of [
      ['POST', '/keys/signing/rotate'],
      ['PUT', `/keys/signing/${current.kid}/revoke`],
    ] as const)
      assert.equal((await management.call(method, path, {}, { token: reader })).status, 403)
    const nobody = await management.tokenWith('read:users')
    assert.equal((await management.call('GET', '/keys/signing', undefined, { token: nobody })).status, 403)
  })
})
