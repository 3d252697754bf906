/**
 * The public key taken for a shared secret: whoever is let choose HS256 signs with what everybody knows. Verifiers that
 * look for the text of a key have been talked out of it by a blank before it (fast-jwt, twice), so the key is spelled
 * here in every way that a program could hold it, wherever the server believes a signature and where secrets are set.
 */
import assert from 'node:assert/strict'
import { createHmac, createPublicKey } from 'node:crypto'
import { after, before, test } from 'node:test'
import { importPublicKey, importSecret } from '@latchkey/sdk/verify'
import { applyTo } from '../fixtures/server.ts'
import { openPlaces, type PublicJwk, takenOf, withHeader } from './places.ts'
import { CookieJarBrowser } from './stage.ts'

let opened: Awaited<ReturnType<typeof openPlaces>>
let keySetText = ''
before(async () => {
  opened = await openPlaces()
  keySetText = (await new CookieJarBrowser(opened.server).get('/.well-known/jwks.json')).body
})
after(() => opened?.server.close())

/** A text as editors, forms, environment variables and files hand it on. */
const handedOn = (text: string): readonly string[] => [
  text,
  text.trim(),
  ` ${text}`,
  `\n${text}`,
  `\t\r\n${text}`,
  `\ufeff${text}`,
  `${text}\n`,
  `${text} `,
  `"${text}"`,
  text.replaceAll('\n', '\r\n'),
  text.replaceAll('\n', '\\n'),
  text.replaceAll('\n', ''),
  text.replaceAll('\n', ' '),
  text.toLowerCase(),
]

/** Everything that the public key may be, as the bytes of a secret. */
function spellings(jwk: PublicJwk): readonly Buffer[] {
  const texts = [
    JSON.stringify(jwk),
    JSON.stringify(jwk, null, 2),
    JSON.stringify({ keys: [jwk] }),
    JSON.stringify(Object.fromEntries(Object.entries(jwk).sort())),
    keySetText,
    ...[jwk['n'], jwk['x'], jwk['pub']].flatMap(member => member ?? []),
  ]
  const binary = [jwk['n'], jwk['x'], jwk['pub']].flatMap(member =>
    member === undefined ? [] : [Buffer.from(member, 'base64url')],
  )
  // Of what Node cannot read as a key there is no PEM either.
  if (jwk['kty'] !== 'AKP') {
    const key = createPublicKey({ key: jwk, format: 'jwk' })
    const formats = jwk['kty'] === 'RSA' ? (['spki', 'pkcs1'] as const) : (['spki'] as const)
    for (const type of formats) {
      const pem = String(key.export({ format: 'pem', type: type as 'spki' }))
      texts.push(...handedOn(pem), pem.replace(/-----[^-]+-----|\s/g, ''))
      const der = key.export({ format: 'der', type: type as 'spki' })
      binary.push(der)
      texts.push(der.toString('hex'))
    }
  }
  return [...texts.map(text => Buffer.from(text)), ...binary]
}

test('a token signed with the public key as a secret is taken nowhere, however the key is spelled', async () => {
  const taken: string[] = []
  for (const place of opened.places) {
    if (!place.jwk) continue
    const token = await place.honest()
    const forged: Record<string, string> = {}
    // Under the key's own name, and under none.
    for (const [index, secret] of spellings(place.jwk).entries())
      for (const [alg, hash] of [
        ['HS256', 'sha256'],
        ['HS512', 'sha512'],
      ] as const)
        for (const kid of [place.jwk['kid'], undefined])
          forged[`${alg}, spelling ${index}, kid ${kid}`] = withHeader(token, { alg, kid }, input =>
            createHmac(hash, secret).update(input).digest(),
          )
    taken.push(...(await takenOf(place, forged)))
  }
  assert.deepEqual(taken, [])
})

test('a key that is imported as a secret is refused when it is imported, before any token comes', async () => {
  const bound = { alg: 'HS256', audience: 'https://api.example/', kid: 'k' } as const
  const saysWhatItIs = /-----BEGIN |"kty"|"keys"/
  for (const { jwk, name } of opened.places) {
    if (!jwk) continue
    for (const secret of spellings(jwk)) {
      const text = secret.toString()
      // What names itself a key in no way, such as a bare modulus, can only be told by its length.
      if (!saysWhatItIs.test(text) || text.startsWith('"')) continue
      if (text === text.toLowerCase()) continue
      await assert.rejects(importSecret(secret, bound), TypeError, `${name}: ${JSON.stringify(text.slice(0, 40))}`)
    }
    for (const alg of ['HS256', 'HS384', 'HS512'] as const)
      await assert.rejects(importPublicKey(jwk as Parameters<typeof importPublicKey>[0], alg), TypeError, name)
  }
  await assert.doesNotReject(importSecret(Buffer.from('a shared secret, 32 bytes or more'), bound))
})

test('a key is no secret of an API either, when an operator pastes one', async () => {
  const { latchkey } = opened.server
  const rsa = opened.places.find(({ jwk }) => jwk?.['kty'] === 'RSA')?.jwk ?? assert.fail()
  const pem = String(createPublicKey({ key: rsa, format: 'jwk' }).export({ format: 'pem', type: 'spki' }))
  for (const signing_secret of [pem, `\n ${pem}`, JSON.stringify(rsa), keySetText]) {
    const api = { identifier: 'https://pasted.example/api', name: 'Pasted', signing_alg: 'HS256', signing_secret }
    await assert.rejects(applyTo(latchkey, { resourceServers: [api] }), { name: 'OperatorError' }, signing_secret)
  }
})
