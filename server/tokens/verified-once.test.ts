import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { allowAlgorithms, VerificationError, type VerificationKey } from '@latchkey/sdk/verify'
import { createSigner, type Signer, signToken } from '../../sdk/testing/forge.ts'
import { verifyOnce } from './verified-once.ts'

const TENANT = 'main'
const ES256 = allowAlgorithms(['ES256'])
const answering = (key: VerificationKey | undefined) => async () => key
const badly = (code: VerificationError['code']) => (error: unknown) =>
  error instanceof VerificationError && error.code === code

describe('A token that was verified before', () => {
  let [ours, theirs]: Signer[] = []
  let token: string

  before(async () => {
    ours = await createSigner('ES256', 'k1')
    theirs = await createSigner('ES256', 'k1')
    token = await signToken(ours)
    await verifyOnce(TENANT, token, answering(ours.key), ES256)
  })

  test('is what it was, without another verification', async () => {
    const known = await verifyOnce(TENANT, token, answering(ours?.key), ES256)
    assert.equal(await verifyOnce(TENANT, token, answering(ours?.key), ES256), known)
  })

  test('is remembered for as long as it is asked for, and no longer than others come', async () => {
    const ask = (one: string) => verifyOnce(TENANT, one, answering(ours?.key), ES256)
    const seldom = await signToken(ours ?? assert.fail(), { jti: 'seldom' })
    const [often, once] = [await ask(token), await ask(seldom)]
    for (let others = 0; others < 1100; others++) {
      await ask(await signToken(ours ?? assert.fail(), { jti: `other ${others}` }))
      if (others % 100 === 0) assert.equal(await ask(token), often)
    }
    assert.notEqual(await ask(seldom), once)
  })

  test('is refused once its key is found no more', () =>
    assert.rejects(verifyOnce(TENANT, token, answering(undefined), ES256), badly('unknown_key')))

  test('is refused under another key of that name', () =>
    assert.rejects(verifyOnce(TENANT, token, answering(theirs?.key), ES256), badly('bad_signature')))

  test('is refused by whoever does not take its algorithm', () =>
    assert.rejects(
      verifyOnce(TENANT, token, answering(ours?.key), allowAlgorithms(['RS256'])),
      badly('algorithm_not_allowed'),
    ))

  test('vouches for no other: one more character is another token', async () => {
    const [head, payload, signature = ''] = token.split('.')
    for (const forged of [`${token}A`, `${head}.${payload}.${signature.slice(0, -4)}AAAA`, `${head}.e30.${signature}`])
      await assert.rejects(verifyOnce(TENANT, forged, answering(ours?.key), ES256), VerificationError)
  })
})
