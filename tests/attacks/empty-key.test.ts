/**
 * No key at all, and something that becomes one: an empty secret, a missing one, or a key of another type that is read as
 * an empty secret, under which everybody can sign (fast-jwt and LibJWT, 2026). What cannot vouch for anything is refused
 * when it is made or registered, and a token made with nothing is taken nowhere.
 */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, test } from 'node:test'
import {
  type AlgorithmName,
  accessToken,
  createVerifier,
  importPublicKey,
  importSecret,
  keySet,
  type VerificationKey,
} from '@latchkey/sdk/verify'
import { asserted, assertionClaims, makeClientKey, signJws } from '../fixtures/client-assertion.ts'
import { applyTo } from '../fixtures/server.ts'
import { openPlaces, takenOf, withHeader } from './places.ts'
import { askToken } from './stage.ts'

let opened: Awaited<ReturnType<typeof openPlaces>>
before(async () => {
  opened = await openPlaces()
})
after(() => opened?.server.close())

/** What programs have in the place of a secret that was never set. */
const EMPTY: Readonly<Record<string, Buffer>> = {
  'no bytes': Buffer.alloc(0),
  'a zero': Buffer.alloc(1),
  'as many zeros as a hash': Buffer.alloc(32),
  'as many zeros as a block': Buffer.alloc(64),
  null: Buffer.from('null'),
  undefined: Buffer.from('undefined'),
  'an object as text': Buffer.from('[object Object]'),
  'a key as text': Buffer.from('[object CryptoKey]'),
  'an empty object': Buffer.from('{}'),
}

test('a token signed with an empty secret, or what stands for none, is taken nowhere', async () => {
  const taken: string[] = []
  for (const place of opened.places) {
    const token = await place.honest()
    const forged: Record<string, string> = {}
    for (const [name, secret] of Object.entries(EMPTY))
      for (const header of [{ alg: 'HS256' }, { alg: 'HS256', kid: undefined }, { alg: 'HS256', kid: '' }])
        forged[`${name} under ${JSON.stringify(header)}`] = withHeader(token, header, input =>
          createHmac('sha256', secret).update(input).digest(),
        )
    taken.push(...(await takenOf(place, forged)))
  }
  assert.deepEqual(taken, [])
})

test('a verifier is not made with a key that is missing, empty, or of another type than its algorithm', async () => {
  const keys = { RS256: makeClientKey('RS256'), ES256: makeClientKey('ES256'), EdDSA: makeClientKey('EdDSA') }
  const { RS256, ES256, EdDSA } = keys
  const algorithms: readonly AlgorithmName[] = ['RS256', 'PS256', 'ES256', 'EdDSA', 'ML-DSA-44', 'HS256']
  const wrong: Readonly<Record<string, unknown>> = {
    nothing: undefined,
    null: null,
    'an empty object': {},
    'an empty text': '',
    'an empty secret': { kty: 'oct', k: '' },
    'a secret': { kty: 'oct', k: 'A'.repeat(43) },
    'an RSA key that says it is a secret': { ...RS256.jwk, kty: 'oct' },
    'a secret that says it is an RSA key': { kty: 'RSA', k: 'A'.repeat(43) },
    'an RSA key without its modulus': { ...RS256.jwk, n: '' },
    'an RSA key without its exponent': { ...RS256.jwk, e: undefined },
    'a curve without its point': { ...ES256.jwk, x: '', y: '' },
    'an Edwards curve without its point': { ...EdDSA.jwk, x: '' },
  }
  for (const [name, jwk] of Object.entries(wrong))
    for (const algorithm of algorithms)
      await assert.rejects(importPublicKey(jwk as Parameters<typeof importPublicKey>[0], algorithm), TypeError, name)
  for (const [name, key] of Object.entries(keys))
    for (const algorithm of algorithms.filter(other => other !== name && !(name === 'RS256' && other === 'PS256'))) {
      const { alg: _, ...unnamed } = key.jwk
      const read = importPublicKey(unnamed as unknown as Parameters<typeof importPublicKey>[0], algorithm)
      await assert.rejects(read, TypeError, `${name} as ${algorithm}`)
    }
})

test('nor is one made with an empty secret, one that is shorter than its hash, or one that is no bytes', async () => {
  const bound = { alg: 'HS256', audience: 'https://api.example/' } as const
  for (const secret of [undefined, null, '', 'text of 32 characters and of more', {}, [], 0, Buffer.alloc(0)])
    await assert.rejects(importSecret(secret as Uint8Array, bound), TypeError, JSON.stringify(secret))
  for (const [alg, bytes] of [
    ['HS256', 31],
    ['HS384', 47],
    ['HS512', 63],
  ] as const)
    await assert.rejects(importSecret(Buffer.alloc(bytes, 1), { ...bound, alg }), TypeError, alg)
  await assert.rejects(importSecret(Buffer.alloc(32, 1), { alg: 'HS256', audience: '' }), TypeError)
})

test('nor is one made with no key, no algorithm, or an algorithm that is none', async () => {
  assert.throws(() => keySet([]), TypeError)
  const key: VerificationKey = await importPublicKey(
    makeClientKey().jwk as unknown as Parameters<typeof importPublicKey>[0],
  )
  const profile = accessToken({ issuer: 'https://id.example/', audience: 'https://api.example/' })
  for (const algorithms of [undefined, [], ['none'], ['None'], ['RS256', 'none'], [''], ['HS1']])
    assert.throws(
      () => createVerifier({ keys: keySet([key]), algorithms: algorithms as AlgorithmName[], profile }),
      TypeError,
      JSON.stringify(algorithms),
    )
})

test('an operator cannot set an empty secret, nor register a key that is none', async () => {
  const { latchkey } = opened.server
  const api = { identifier: 'https://empty.example/api', name: 'Empty', signing_alg: 'HS256' }
  for (const signing_secret of [undefined, '', ' ', 'short', '\0'.repeat(8)])
    await assert.rejects(
      applyTo(latchkey, { resourceServers: [{ ...api, signing_secret }] }),
      { name: 'OperatorError' },
      JSON.stringify(signing_secret),
    )
  const client = { client_id: 'empty', name: 'Empty', app_type: 'non_interactive' }
  const rsa = makeClientKey('RS256').jwk
  for (const more of [
    ...[{}, { kty: 'oct', k: '' }, { ...rsa, n: '' }, { ...rsa, e: '' }].map(jwk => ({
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [jwk] },
    })),
  ])
    await assert.rejects(
      applyTo(latchkey, { clients: [{ ...client, ...more }] }),
      { name: 'OperatorError' },
      JSON.stringify(more),
    )
})

test('a client secret that nobody filled in is one that nobody knows, and not an empty one', async () => {
  const { server } = opened
  const unfilled = { client_secret: '', name: 'Unfilled', app_type: 'non_interactive' }
  await applyTo(server.latchkey, {
    clients: [
      { client_id: 'sends', ...unfilled },
      { client_id: 'signs', ...unfilled, token_endpoint_auth_method: 'client_secret_jwt' },
    ],
  })
  const grant_type = 'client_credentials'
  for (const secret of ['', ' ', 'null', 'undefined']) {
    const form = new URLSearchParams({ grant_type }).toString()
    const response = await server.latchkey.http.inject({
      method: 'POST',
      url: '/oauth/token',
      headers: {
        host: new URL(server.issuer).host,
        'content-type': 'application/x-www-form-urlencoded',
        authorization: `Basic ${Buffer.from(`sends:${secret}`).toString('base64')}`,
      },
      payload: form,
    })
    assert.equal(response.statusCode, 401, JSON.stringify(secret))
    const posted = await askToken(server, { grant_type, client_id: 'sends', client_secret: secret })
    assert.equal(posted.json()['error'], 'invalid_client', JSON.stringify(secret))
    const assertion = signJws(secret, assertionClaims('signs', server.issuer))
    const signed = await askToken(server, { grant_type, ...asserted(assertion) })
    assert.equal(signed.json()['error'], 'invalid_client', JSON.stringify(secret))
  }
})

test('a key of a type that nobody signs with is passed over, and becomes no secret', async () => {
  const { server } = opened
  const key = makeClientKey('RS256')
  const jwks = { keys: [{ ...key.jwk, kty: 'oct' }] }
  const client = { client_id: 'passed-over', name: 'Passed over', app_type: 'non_interactive', jwks }
  await applyTo(server.latchkey, { clients: [{ ...client, token_endpoint_auth_method: 'private_key_jwt' }] })
  for (const signer of [key, '', key.jwk['n'] ?? '', key.pem, Buffer.alloc(32)]) {
    const assertion = signJws(signer, assertionClaims('passed-over', server.issuer), { kid: key.jwk['kid'] })
    const reply = await askToken(server, { grant_type: 'client_credentials', ...asserted(assertion) })
    assert.equal(reply.json()['error'], 'invalid_client')
  }
})

test('a client that has no key at all is proven by no signature', async () => {
  const places = opened.places.filter(({ name }) => name.includes('of a client'))
  assert.ok(places.length > 0)
  const stranger = makeClientKey()
  for (const place of places) {
    const claims = JSON.parse(Buffer.from((await place.honest()).split('.')[1] ?? '', 'base64url').toString())
    for (const client of ['spa', 'web', 'machine'])
      for (const signer of [stranger, Buffer.alloc(0), Buffer.alloc(32)]) {
        const token = signJws(signer, { ...claims, iss: client, sub: client })
        assert.ok(!(await place.takes(token)), `${place.name} for ${client}`)
      }
  }
})
