/**
 * The algorithm that a token's header asks for, believed where the key names none (Hono, 2026): one key is then used in
 * another way than its owner meant, or in none. Which algorithms count is the server's word and the key's, everywhere.
 */
import assert from 'node:assert/strict'
import { createHmac, sign as signWith } from 'node:crypto'
import { after, before, test } from 'node:test'
import { asserted, assertionClaims, makeClientKey, signJws } from '../fixtures/client-assertion.ts'
import { openPlaces, takenOf, withHeader, withSignature } from './places.ts'
import { askToken } from './stage.ts'

const rsa = makeClientKey('RS256', 'unnamed')
const ec = makeClientKey('ES256', 'unnamed-ec')
const without = ({ alg: _, use: __, ...jwk }: Readonly<Record<string, string>>) => jwk
const client = (client_id: string, rest: object) => ({
  client_id,
  name: client_id,
  app_type: 'non_interactive',
  token_endpoint_auth_method: 'private_key_jwt',
  jwks: { keys: [without(rsa.jwk), without(ec.jwk)] },
  ...rest,
})

let opened: Awaited<ReturnType<typeof openPlaces>>
before(async () => {
  const pinned = { token_endpoint_auth_signing_alg: 'RS256' }
  opened = await openPlaces({ clients: [client('unnamed', {}), client('unnamed-pinned', pinned)] })
})
after(() => opened?.server.close())

const NAMES = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'ES256K', 'EdDSA', 'Ed25519'],
  ...['ML-DSA-44', 'ML-DSA-65', 'HS256', 'HS384', 'HS512', 'RSA1_5', 'dir', 'A128KW', 'none', 'None', 'NONE', 'nOnE'],
  ...['', ' ', 'rs256', 'es256', ' RS256', 'RS256 ', 'RS256\0', '__proto__', 'constructor', 'toString'],
]

test('a token whose header says another algorithm than its key is for is taken nowhere', async () => {
  const taken: string[] = []
  for (const place of opened.places) {
    const token = await place.honest()
    const forged: Record<string, string> = {}
    for (const alg of NAMES.filter(name => name !== place.algorithm)) {
      forged[`alg ${JSON.stringify(alg)}, kept`] = withHeader(token, { alg })
      forged[`alg ${JSON.stringify(alg)}, unsigned`] = withSignature(withHeader(token, { alg }), Buffer.alloc(0))
      forged[`alg ${JSON.stringify(alg)}, signed anew`] = await place.signed({ alg })
    }
    for (const alg of [undefined, null, 0, true, {}, [], ['RS256'], [place.algorithm], { alg: 'RS256' }])
      forged[`alg ${JSON.stringify(alg)}`] = await place.signed({ alg })
    taken.push(...(await takenOf(place, forged)))
  }
  assert.deepEqual(taken, [])
})

const ask = async (client_id: string, assertion: string) =>
  (
    await askToken(opened.server, {
      grant_type: 'client_credentials',
      audience: 'https://rs256.example/api',
      client_id,
      ...asserted(assertion),
    })
  ).json()['error']

test('a client’s key that names no algorithm is good for those of its type that the server takes, and no more', async () => {
  const claims = () => assertionClaims('unnamed', opened.server.issuer)
  // Believed, and told that it may not have what it asks for: nobody has granted it anything.
  for (const key of [rsa, ec, { ...rsa, alg: 'PS256' }])
    assert.notEqual(await ask('unnamed', signJws(key, claims())), 'invalid_client', key.alg)
  const bySha1 = withHeader(signJws(rsa, claims()), { alg: 'RS1' }, input =>
    signWith('sha1', Buffer.from(input), rsa.privateKey),
  )
  const refused: Record<string, string> = { RS1: bySha1, 'EC as RS256': signJws(ec, claims(), { alg: 'RS256' }) }
  for (const secret of [rsa.jwk['n'] ?? '', rsa.pem, JSON.stringify(without(rsa.jwk))])
    refused[`HS256 over ${secret.slice(0, 20)}`] = withHeader(signJws(rsa, claims()), { alg: 'HS256' }, input =>
      createHmac('sha256', secret).update(input).digest(),
    )
  for (const [name, assertion] of Object.entries(refused))
    assert.equal(await ask('unnamed', assertion), 'invalid_client', name)
})

test('and where the client is pinned to one, for that one alone', async () => {
  const claims = () => assertionClaims('unnamed-pinned', opened.server.issuer)
  assert.notEqual(await ask('unnamed-pinned', signJws(rsa, claims())), 'invalid_client')
  for (const key of [ec, { ...rsa, alg: 'PS256' }])
    assert.equal(await ask('unnamed-pinned', signJws(key, claims())), 'invalid_client', key.alg)
})
