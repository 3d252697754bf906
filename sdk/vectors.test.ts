/**
 * The verifier on what stands in tests/vectors/jws.json: signatures and keys at the edges of each algorithm, and tokens that
 * try to choose their own key. The file is for other verifiers too; `make-jws.ts` beside it says how it is made.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { allowAlgorithms } from './algorithms.ts'
import type { JWK } from './jwk.ts'
import {
  type AlgorithmName,
  importPublicKey,
  importSecret,
  keySet,
  VerificationError,
  type VerificationKey,
  verifySignature,
} from './verify.ts'

type Outcome = 'valid' | 'invalid'
interface Keyed {
  readonly algorithm: AlgorithmName
  readonly key?: JWK
  readonly secret?: string
}
interface Vectors {
  readonly payload: string
  readonly groups: readonly (Keyed & {
    readonly cases: readonly { readonly comment: string; readonly jws: string; readonly result: Outcome }[]
  })[]
  readonly keys: readonly (Keyed & { readonly comment: string; readonly result: Outcome })[]
}

const { groups, keys, payload }: Vectors = JSON.parse(
  readFileSync(new URL('../tests/vectors/jws.json', import.meta.url), 'utf8'),
)
/** Every one there is: what a key is for is the key's to say, and never what happens to be allowed. */
const everything = allowAlgorithms(['RS256', 'PS256', 'ES256', 'EdDSA', 'ML-DSA-44', 'HS256', 'HS384', 'HS512'])

const keyOf = ({ algorithm, key, secret }: Keyed): Promise<VerificationKey> =>
  secret === undefined
    ? importPublicKey(key as JWK, algorithm)
    : importSecret(Buffer.from(secret, 'hex'), { alg: 'HS256', audience: 'https://api.example/', kid: 'k' })

async function outcomeOf(source: ReturnType<typeof keySet>, jws: string): Promise<Outcome> {
  try {
    const { claims } = await verifySignature(jws, source, everything)
    assert.deepEqual(claims, JSON.parse(Buffer.from(payload, 'base64url').toString()))
    return 'valid'
  } catch (error) {
    assert.ok(error instanceof VerificationError, String(error))
    return 'invalid'
  }
}

describe('each signature of the vectors', () => {
  for (const [index, group] of groups.entries())
    test(`is taken or refused as it should be: ${group.algorithm}, key ${index + 1}`, async () => {
      const source = keySet([await keyOf(group)])
      const wrong: string[] = []
      for (const { comment, jws, result } of group.cases) {
        const outcome = await outcomeOf(source, jws)
        if (outcome !== result) wrong.push(`${comment}: ${outcome}`)
      }
      assert.deepEqual(wrong, [])
      assert.ok(group.cases.some(({ result }) => result === 'valid'))
    })

  test('is one of an algorithm that a server of ours may sign with', () => {
    const covered = new Set(groups.map(({ algorithm }) => algorithm))
    assert.deepEqual([...covered].sort(), ['ES256', 'EdDSA', 'HS256', 'ML-DSA-44', 'PS256', 'RS256'])
  })
})

describe('each key of the vectors', () => {
  for (const one of keys)
    test(`is ${one.result}, for ${one.algorithm}: ${one.comment}`, async () => {
      if (one.result === 'valid') await keyOf(one)
      else await assert.rejects(keyOf(one), TypeError)
    })
})
