/** Which algorithms a tenant signs with is what its clients and APIs ask for: each can be had, and none is there unasked. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { remoteKeys } from '@latchkey/sdk/jwks'
import { type AlgorithmName, accessToken, createVerifier, type VerifiedToken } from '@latchkey/sdk/verify'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { DAY, HOUR, MINUTE, SECOND } from '../../server/kernel/seconds.ts'
import { discoverApplication, type Tokens } from '../fixtures/application.ts'
import { runKeySchedule } from '../fixtures/key-schedule.ts'
import { createPerson } from '../fixtures/person.ts'
import { applyTo, onEachStore, type RunningServer, startServer } from '../fixtures/server.ts'
import { createTestClock, type TestClock } from '../fixtures/test-clock.ts'
import { signIn, userinfoStatus } from './stage.ts'
import { JO, REDIRECT_URI } from './tenant.ts'

const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA', 'ML-DSA-44'] as const
type Algorithm = (typeof ALGORITHMS)[number]

/** OpenID Connect Core §3.1.3.6 and Token Hash Algorithms 1.0: of `at_hash`, the whole hash in bytes and how it is made. */
const HASHES: Readonly<Record<Algorithm, readonly [name: string, bytes: number]>> = {
  RS256: ['sha256', 32],
  PS256: ['sha256', 32],
  ES256: ['sha256', 32],
  EdDSA: ['sha512', 64],
  'ML-DSA-44': ['shake256', 64],
}

const apiOf = (name: string) => `https://${name.toLowerCase()}.example/api`

/** A client and an API of the same name that ask for the algorithm. */
const asking = (name: string, algorithm: Algorithm) => ({
  clients: [
    {
      client_id: name,
      name,
      app_type: 'spa',
      callbacks: [REDIRECT_URI],
      jwt_configuration: { alg: algorithm },
    },
  ],
  resourceServers: [
    { identifier: apiOf(name), name, signing_alg: algorithm, scopes: [{ value: 'read', description: 'Read' }] },
  ],
})

const allAsked = {
  clients: ALGORITHMS.flatMap(name => asking(name, name).clients),
  resourceServers: ALGORITHMS.flatMap(name => asking(name, name).resourceServers),
  users: [{ ...JO, email_verified: true }],
}

async function tokensOf(
  issuer: string,
  clientId: string,
  idTokenAlgorithm: Algorithm,
  audience?: string,
): Promise<Tokens> {
  const application = await discoverApplication(issuer, { clientId, redirectUri: REDIRECT_URI, idTokenAlgorithm })
  const parameters = { scope: 'openid read', ...(audience !== undefined && { audience }) }
  return (await signIn(application, createPerson(issuer), JO, parameters)).tokens
}

async function read(issuer: string, path: string): Promise<Record<string, unknown>> {
  return (await (await fetch(new URL(path, issuer))).json()) as Record<string, unknown>
}

const advertised = async (issuer: string) =>
  (await read(issuer, '.well-known/openid-configuration'))['id_token_signing_alg_values_supported']

const publishedAlgorithms = async (issuer: string) =>
  ((await read(issuer, '.well-known/jwks.json'))['keys'] as { alg: string }[]).map(({ alg }) => alg)

onEachStore('A tenant of which every algorithm is asked', store => {
  let server: RunningServer
  before(async () => {
    server = await startServer({ store, tenantFile: allAsked })
  })
  after(() => server?.close())

  for (const algorithm of ALGORITHMS)
    test(`signs the ID token and the access token with ${algorithm}, for whoever has the published keys`, async () => {
      const { issuer } = server
      const audience = apiOf(algorithm)
      const tokens = await tokensOf(issuer, algorithm, algorithm, audience)
      const keys = createRemoteJWKSet(new URL('.well-known/jwks.json', issuer))
      const only = { issuer, algorithms: [algorithm] }

      const id = await jwtVerify(tokens.id_token ?? '', keys, { ...only, audience: algorithm })
      const [hash, bytes] = HASHES[algorithm]
      const digest = createHash(hash, { outputLength: bytes }).update(tokens.access_token).digest()
      assert.equal(id.payload['at_hash'], digest.subarray(0, bytes / 2).toString('base64url'))

      const access = await jwtVerify(tokens.access_token, keys, { ...only, audience, typ: 'at+jwt' })
      assert.equal(access.payload['client_id'], algorithm)
      const verify = createVerifier({
        keys: remoteKeys({ issuer, algorithms: [algorithm] }),
        algorithms: [algorithm],
        profile: accessToken({ issuer, audience }),
      })
      assert.equal((await verify(tokens.access_token)).claims.sub, id.payload.sub)
      assert.equal(await userinfoStatus(issuer, tokens.access_token), 200)
    })

  test('publishes and advertises them all, RS256 first', async () => {
    assert.deepEqual(await publishedAlgorithms(server.issuer), ALGORITHMS)
    assert.deepEqual(await advertised(server.issuer), ALGORITHMS)
  })
})

onEachStore('A tenant of which no algorithm is asked', store => {
  let server: RunningServer
  let clock: TestClock
  before(async () => {
    clock = createTestClock()
    server = await startServer({ store, clock: clock.now, tenantFile: { users: [{ ...JO, email_verified: true }] } })
  })
  after(() => server?.close())

  const apply = (algorithm: Algorithm) => applyTo(server.latchkey, asking('app', algorithm))

  async function until(isTrue: () => Promise<boolean>) {
    const deadline = Date.now() + 20 * SECOND
    while (!(await isTrue())) {
      assert.ok(Date.now() < deadline, 'it did not happen')
      await pause(10)
    }
  }

  test('has RS256 alone', async () => {
    assert.deepEqual(await publishedAlgorithms(server.issuer), ['RS256'])
    assert.deepEqual(await advertised(server.issuer), ['RS256'])
  })

  test('signs with another from the first token after the setting, and verifiers with older keys follow', async () => {
    const { issuer } = server
    await apply('RS256')
    const algorithms: AlgorithmName[] = ['RS256', 'PS256']
    const verify = createVerifier({
      keys: remoteKeys({ issuer, algorithms, clock: clock.now }),
      algorithms,
      profile: accessToken({ issuer, audience: apiOf('app') }),
      clock: clock.now,
    })
    const fromJose = createRemoteJWKSet(new URL('.well-known/jwks.json', issuer), { cooldownDuration: 0 })
    const both = async (algorithm: Algorithm): Promise<VerifiedToken> => {
      const tokens = await tokensOf(issuer, 'app', algorithm, apiOf('app'))
      const { protectedHeader } = await jwtVerify(tokens.id_token ?? '', fromJose, {
        issuer,
        currentDate: new Date(clock.now()),
      })
      assert.equal(protectedHeader.alg, algorithm)
      return verify(tokens.access_token)
    }

    assert.equal((await both('RS256')).header.alg, 'RS256')
    // Within what the answer allows a verifier to keep, so that nothing but the unknown kid makes it look again.
    clock.advance(4 * MINUTE)
    await apply('PS256')
    assert.equal((await both('PS256')).header.alg, 'PS256')
  })

  test('gives one up that is asked for no more, as soon as its tokens are over, and has it back when it is asked again', async () => {
    const { issuer } = server
    await apply('PS256')
    const tokens = await tokensOf(issuer, 'app', 'PS256', apiOf('app'))
    clock.advance(HOUR)
    await apply('RS256')
    assert.deepEqual(await advertised(issuer), ['RS256'])
    assert.deepEqual(await publishedAlgorithms(issuer), ['RS256', 'PS256'])
    const keys = createRemoteJWKSet(new URL('.well-known/jwks.json', issuer))
    await jwtVerify(tokens.id_token ?? '', keys, { issuer, currentDate: new Date(clock.now()) })

    const isVerifying = async () =>
      (await server.latchkey.keyring.list('default')).every(
        key => key.algorithm !== 'PS256' || key.state === 'verifying',
      )
    await until(isVerifying)
    clock.advance(DAY)
    await runKeySchedule(server.latchkey, clock.now)
    assert.deepEqual(await publishedAlgorithms(issuer), ['RS256'])

    await apply('PS256')
    assert.deepEqual(await advertised(issuer), ['RS256', 'PS256'])
    const again = await tokensOf(issuer, 'app', 'PS256', apiOf('app'))
    await jwtVerify(again.id_token ?? '', createRemoteJWKSet(new URL('.well-known/jwks.json', issuer)), {
      issuer,
      currentDate: new Date(clock.now()),
    })
  })
})
