/**
 * Where the brake on guessing stands, how people prove who they are, and what their devices hold, with Auth0's own library.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  ANN,
  askToken,
  BEN,
  CookieJarBrowser,
  claimsOf,
  EVE,
  type Person,
  passing,
  refreshing,
  SPA,
  tenantFile,
  tokensFor,
  type WEB,
} from '../attacks/stage.ts'
import { type Management, startManagement } from '../fixtures/management.ts'
import { applyTo } from '../fixtures/server.ts'

/** A tenant that lets two guesses at an account be free, and forty of a network. */
const guarded = {
  ...tenantFile,
  attackProtection: {
    bruteForceProtection: { enabled: true, max_attempts: 2 },
    suspiciousIpThrottling: { enabled: true, stage: { 'pre-login': { max_attempts: 40, rate: 864_000 } } },
  },
}

describe('Accounts', () => {
  let management: Management
  before(async () => {
    management = await startManagement({ tenantFile: guarded })
  })
  after(() => management?.close())

  const comes = async (person: Person, client = SPA as typeof SPA | typeof WEB) => {
    const { server } = management
    const browser = new CookieJarBrowser(server)
    const tokens = await tokensFor(server, person, { browser, client, scope: 'openid offline_access' })
    const claims = claimsOf(tokens.access_token)
    return { id: String(claims['sub']), refreshToken: String(claims['jti']).split('.')[0] ?? '', tokens }
  }
  const tries = async (person: Person) => (await askToken(management.server, passing(person))).status
  const guess = (email: string) => tries({ email, password: 'a guess' })
  const lastEvent = async (type: string) =>
    (
      await management.server.latchkey.store.events.search(
        'default',
        { types: [type] },
        { order: 'newest-first', limit: 1 },
      )
    )[0]

  test('show from where wrong passwords have to wait, and let go of that for the person or the name', async () => {
    const { id } = await comes(ANN)
    const { userBlocks } = management.client
    assert.deepEqual((await userBlocks.list(id)).blocked_for, [])
    for (const release of [
      () => userBlocks.delete(id),
      () => userBlocks.deleteByIdentifier({ identifier: ANN.email.toUpperCase() }),
    ]) {
      await guess(ANN.email)
      assert.deepEqual((await userBlocks.list(id)).blocked_for, [], 'a try is free')
      await guess(ANN.email)
      const held = { identifier: ANN.email, ip: '127.0.0.1', connection: 'Username-Password-Authentication' }
      assert.deepEqual((await userBlocks.list(id)).blocked_for, [held])
      assert.deepEqual((await userBlocks.list(id, { consider_brute_force_enablement: true })).blocked_for, [held])
      assert.deepEqual((await userBlocks.listByIdentifier({ identifier: ANN.email })).blocked_for, [held])
      assert.equal(await tries(ANN), 429)
      await release()
      assert.deepEqual((await userBlocks.list(id)).blocked_for, [])
      assert.equal(await tries(ANN), 200)
      const event = await lastEvent('sign-in.released')
      assert.deepEqual([event?.target?.id, event?.actor.id], [id, 'management-root'])
    }
    assert.deepEqual((await userBlocks.listByIdentifier({ identifier: BEN.email })).blocked_for, [])
  })

  test('are shown as nobody’s where the brake is off, to whoever asks whether it is', async () => {
    const { id } = await comes(ANN)
    for (const _ of [1, 2]) await guess(ANN.email)
    const { userBlocks } = management.client
    const shown = async (considering: boolean) =>
      (await userBlocks.list(id, { consider_brute_force_enablement: considering })).blocked_for?.length
    assert.deepEqual([await shown(true), await shown(false)], [1, 1])
    const { bruteForceProtection, suspiciousIpThrottling } = guarded.attackProtection
    const set = (enabled: boolean) =>
      applyTo(management.server.latchkey, {
        attackProtection: { bruteForceProtection: { ...bruteForceProtection, enabled }, suspiciousIpThrottling },
      })
    await set(false)
    assert.deepEqual([await shown(true), await shown(false)], [0, 1])
    await set(true)
    await userBlocks.delete(id)
  })

  test('that nobody has are told in the same words', async () => {
    const { userBlocks } = management.client
    for (const _ of [1, 2]) await guess('nobody@example.com')
    const { blocked_for } = await userBlocks.listByIdentifier({ identifier: 'nobody@example.com' })
    assert.equal(blocked_for?.length, 1)
    await userBlocks.deleteByIdentifier({ identifier: 'nobody@example.com' })
    assert.deepEqual((await userBlocks.listByIdentifier({ identifier: 'nobody@example.com' })).blocked_for, [])
    assert.equal((await lastEvent('block.removed'))?.actor.id, 'management-root')
    assert.equal((await management.call('GET', '/user-blocks')).status, 400)
    assert.equal((await management.call('GET', '/user-blocks/auth0%7Cnobody')).status, 404)
  })

  test('of a whole network that guesses wait, until it is let go', async () => {
    const { blocks } = management.client.anomaly
    const path = '/anomaly/blocks/ips/127.0.0.1'
    assert.equal((await management.call('GET', path)).status, 404)
    for (let name = 0; name < 60 && (await guess(`guess-${name}@example.com`)) !== 429; name++);
    assert.equal((await management.call('GET', path)).status, 200)
    assert.equal((await management.call('GET', '/anomaly/blocks/ips/203.0.113.9')).status, 404)
    assert.equal(await tries(EVE), 429)
    await blocks.unblockIp('127.0.0.1')
    assert.equal((await management.call('GET', path)).status, 404)
    assert.equal(await tries(EVE), 200)
    for (const address of ['somewhere', '1.2.3', '127.0.0.1%2F8']) {
      assert.equal((await management.call('GET', `/anomaly/blocks/ips/${address}`)).status, 400, address)
      assert.equal((await management.call('DELETE', `/anomaly/blocks/ips/${address}`)).status, 400, address)
    }
  })

  test('prove who they are by a password, and what protects nobody is not kept', async () => {
    const { id } = await comes(BEN)
    const { authenticationMethods } = management.client.users
    const methods = (await authenticationMethods.list(id)).data
    assert.deepEqual(
      methods.map(({ type, confirmed }) => [type, confirmed]),
      [['password', true]],
    )
    const [password] = methods
    assert.deepEqual(await authenticationMethods.get(id, password?.id ?? ''), password)
    const path = `/users/${id}/authentication-methods`
    for (const [method, at, body, status] of [
      ['POST', path, { type: 'totp', totp_secret: 'JBSWY3DPEHPK3PXP' }, 400],
      ['POST', path, { type: 'phone', phone_number: '+15551234567' }, 400],
      ['POST', path, { type: 'nonsense' }, 400],
      ['PUT', path, [{ type: 'email', email: 'a@example.com' }], 400],
      ['PUT', path, [], 200],
      ['PATCH', `${path}/${password?.id}`, { name: 'x' }, 400],
      ['DELETE', `${path}/${password?.id}`, undefined, 400],
      ['GET', `${path}/none`, undefined, 404],
      ['PATCH', `${path}/none`, { name: 'x' }, 404],
      ['DELETE', `${path}/none`, undefined, 404],
      ['DELETE', path, undefined, 204],
      ['DELETE', `/users/${id}/authenticators`, undefined, 204],
      ['DELETE', `/users/${id}/multifactor/duo`, undefined, 204],
      ['DELETE', `/users/${id}/multifactor/nonsense`, undefined, 400],
      ['POST', `/users/${id}/multifactor/actions/invalidate-remember-browser`, undefined, 204],
      ['POST', `/users/${id}/recovery-code-regeneration`, undefined, 404],
      ['GET', `/users/${id}/enrollments`, undefined, 200],
      ['GET', '/users/auth0%7Cnobody/authentication-methods', undefined, 404],
      ['DELETE', '/users/auth0%7Cnobody/authenticators', undefined, 404],
    ] as const)
      assert.equal((await management.call(method, at, body)).status, status, `${method} ${at} ${JSON.stringify(body)}`)
    assert.deepEqual(await management.client.users.enrollments.get(id), [])
    assert.equal((await authenticationMethods.list(id)).data.length, 1)
    assert.equal(await tries(BEN), 200)
  })

  test('show what devices hold, and end that', async () => {
    const one = await comes(BEN)
    const { deviceCredentials } = management.client
    const held = (await deviceCredentials.list({ user_id: one.id, type: 'rotating_refresh_token' })).data
    assert.ok(held.some(({ id, client_id }) => id === one.refreshToken && client_id === SPA.client_id))
    assert.equal((await deviceCredentials.list({ user_id: one.id, type: 'public_key' })).data.length, 0)
    assert.equal((await deviceCredentials.list({ user_id: one.id, client_id: 'nobody' })).data.length, 0)
    await deviceCredentials.delete(one.refreshToken)
    assert.equal((await askToken(management.server, refreshing(SPA, one.tokens.refresh_token))).status, 400)
    assert.equal((await management.call('DELETE', `/device-credentials/${one.refreshToken}`)).status, 404)
    const { status, body } = await management.call('POST', '/device-credentials', {
      device_name: 'Phone',
      type: 'public_key',
      value: 'AAAA',
      device_id: '1',
    })
    assert.deepEqual([status, body.errorCode], [400, 'unsupported_device_credential'])
    assert.equal((await management.call('GET', '/device-credentials')).status, 400, 'whose, has to be said')
  })

  test('are shown and let go by whoever may', async () => {
    const token = await management.tokenWith('read:clients')
    for (const [method, path] of [
      ['GET', '/user-blocks/a'],
      ['DELETE', '/user-blocks/a'],
      ['GET', '/user-blocks?identifier=a'],
      ['DELETE', '/user-blocks?identifier=a'],
      ['GET', '/anomaly/blocks/ips/127.0.0.1'],
      ['DELETE', '/anomaly/blocks/ips/127.0.0.1'],
      ['GET', '/users/a/authentication-methods'],
      ['DELETE', '/users/a/authentication-methods'],
      ['GET', '/users/a/enrollments'],
      ['GET', '/device-credentials?user_id=a'],
      ['DELETE', '/device-credentials/a'],
    ] as const)
      assert.equal((await management.call(method, path, undefined, { token })).status, 403, `${method} ${path}`)
  })
})
