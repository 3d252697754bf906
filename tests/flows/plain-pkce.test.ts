/** PKCE without a digest: only for clients that the operator lets have it, and otherwise as strict. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as oidc from 'openid-client'
import { askSilently, onEachStage } from './stage.ts'
import { JO } from './tenant.ts'

const VERIFIER = `plain.~_-${'x'.repeat(60)}`

onEachStage('A plain challenge', stage => {
  async function begin(parameters: Readonly<Record<string, string>>) {
    const elder = await stage.application('elder')
    const begun = await elder.begin({ code_challenge: VERIFIER, ...parameters })
    return { elder, begun, callback: await stage.person().signIn(begun.url, JO) }
  }
  const redeem = ({ elder, begun, callback }: Awaited<ReturnType<typeof begin>>, verifier: string) =>
    oidc.authorizationCodeGrant(elder.configuration, callback, { ...begun.checks, pkceCodeVerifier: verifier })

  for (const [how, parameters] of [
    ['named', { code_challenge_method: 'plain' }],
    ['by leaving the method out', { code_challenge_method: '' }],
  ] as const)
    test(`${how} passes for a client that is allowed it, with its verifier and no other`, async () => {
      const begun = await begin(parameters)
      await assert.rejects(redeem(begun, `${VERIFIER}x`), { error: 'invalid_grant' })
      assert.ok((await redeem(begun, VERIFIER)).access_token)
    })

  test('a digest goes on passing for that client, and is not taken as its own verifier', async () => {
    const challenge = await oidc.calculatePKCECodeChallenge(VERIFIER)
    const begun = await begin({ code_challenge: challenge, code_challenge_method: 'S256' })
    await assert.rejects(redeem(begun, challenge), { error: 'invalid_grant' })
    assert.ok((await redeem(begun, VERIFIER)).access_token)
  })

  test('is refused for a client that is not allowed it, however it is said', async () => {
    for (const code_challenge_method of ['plain', '']) {
      const { callback } = await askSilently(await stage.spa(), stage.person(), { code_challenge_method })
      assert.equal(callback.searchParams.get('error'), 'invalid_request')
    }
  })
})
