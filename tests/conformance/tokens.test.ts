/** The plans at the token endpoint: how codes and refresh tokens are redeemed, and how they are refused. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SECOND } from '../../server/kernel/seconds.ts'
import { randomSecret } from '../../server/kernel/secrets.ts'
import { isUnguessable } from './checks/entropy.ts'
import { isJson, type JsonAnswer } from './checks/token-answer.ts'
import { insist } from './insist.ts'
import { type Played, passPages, type RelyingParty } from './relying-party.ts'
import { hasCode, onEachStage, type Stage, travelsApart } from './stage.ts'
import { FIRST, SECOND as OTHER, POSTING } from './tenant.ts'

const PRINTABLE = /^[\x20-\x7E]+$/

const isRefused = ({ status, headers, body }: JsonAnswer, error: string): boolean =>
  status === 400 && isJson({ headers }) && body?.['error'] === error

const redeemBare = (party: RelyingParty, code: string): Promise<JsonAnswer> =>
  party.askToken({ grant_type: 'authorization_code', code, redirect_uri: FIRST.redirectUri })

const modules = (stage: Stage): void => {
  test('oidcc-codereuse: a code is good for once', async () => {
    const party = await stage.relyingParty()
    const again = await redeemBare(party, (await party.play(stage.person())).code)
    insist('oidcc-codereuse#refused', again.status !== 200, again)
    insist('oidcc-codereuse#answer', isRefused(again, 'invalid_grant'), again)
  })

  test('oidcc-codereuse-30seconds: a code that comes again later takes its tokens with it', async () => {
    const party = await stage.relyingParty()
    const { code, answer } = await party.play(stage.person())
    stage.clock.advance(30 * SECOND)
    assert.equal((await party.askUserinfo(answer.access_token)).status, 200, 'nothing but the reuse ends it')
    const again = await redeemBare(party, code)
    insist('oidcc-codereuse-30seconds#answer', isRefused(again, 'invalid_grant'), again)
    const { status } = await party.askUserinfo(answer.access_token)
    insist('oidcc-codereuse-30seconds#revoked', status >= 400 && status < 500, status)
  })

  test('oidcc-server-client-secret-post: the secret may come in the form', async () => {
    const { answer } = await (await stage.relyingParty(POSTING)).play(stage.person())
    insist('oidcc-server-client-secret-post#accepted', answer.access_token !== '', answer)
  })

  test('oidcc-ensure-request-with-valid-pkce-succeeds: a challenge with its verifier has tokens', async () => {
    const party = await stage.relyingParty()
    const asked = party.ask({}, randomSecret())
    const person = stage.person()
    const { stop } = await passPages(person, await person.visit(asked.url))
    const code = party.takeCode(asked, stop)
    assert.ok(isRefused(await redeemBare(party, code), 'invalid_grant'), 'the challenge was read')
    const { answer } = await party.finish(asked, stop)
    insist('oidcc-ensure-request-with-valid-pkce-succeeds#accepted', answer.access_token !== '', answer)
  })

  test('oidcc-refresh-token: a refresh token yields fresh tokens, to its own client alone', async () => {
    const person = stage.person()
    const [first, other] = [await stage.relyingParty(), await stage.relyingParty(OTHER)]
    const offline = { scope: 'openid offline_access', prompt: 'consent' }

    async function refresh(
      party: RelyingParty,
      { answer, idToken, pages }: Played,
      more: Readonly<Record<string, string>>,
    ) {
      assert.ok(pages.includes('consent'), 'prompt=consent asks, whatever was allowed before')
      const grants = party.metadata['grant_types_supported'] as readonly string[]
      insist('oidcc-refresh-token#given', grants.includes('refresh_token') && !!answer.refresh_token, answer)
      // The suite waits as long, or a new iat could be the old one.
      stage.clock.advance(SECOND)
      const sent = { grant_type: 'refresh_token', refresh_token: answer.refresh_token ?? '', ...more }
      const { status, headers, body } = await party.askToken(sent)
      insist('oidcc-refresh-token#json', status === 200 && body !== undefined, { status, body })
      insist('oidcc-refresh-token#no-store', headers.get('cache-control') === 'no-store', headers)
      const texts = body as Readonly<Record<string, string>>
      const { access_token: access = '', refresh_token: next = '', id_token: text = '' } = texts
      insist('oidcc-refresh-token#token-type', texts['token_type']?.toLowerCase() === 'bearer', body)
      insist('oidcc-refresh-token#access-token', access !== answer.access_token && isUnguessable(access), access)
      insist('oidcc-refresh-token#expires-in', 'expires_in' in body, body)
      insist('oidcc-refresh-token#characters', PRINTABLE.test(access) && PRINTABLE.test(next), body)
      insist('oidcc-refresh-token#refresh-token', isUnguessable(next), next)
      const { claims } = await party.readIdToken(text)
      const isSame = ['iss', 'sub', 'aud', 'auth_time'].every(name => claims[name] === idToken.claims[name])
      insist(
        'oidcc-refresh-token#id-token',
        isSame && [undefined, idToken.claims['azp']].includes(claims['azp']),
        claims,
      )
      insist('oidcc-refresh-token#iat', claims['iat'] !== idToken.claims['iat'], claims)
      insist('oidcc-refresh-token#userinfo', (await party.askUserinfo(access)).status === 200, access)
      return next
    }

    await refresh(first, await first.play(person, offline), { scope: 'openid offline_access' })
    const theirs = await refresh(other, await other.play(person, offline), {})
    const stolen = await first.askToken({ grant_type: 'refresh_token', refresh_token: theirs })
    insist('oidcc-refresh-token#other-client', isRefused(stolen, 'invalid_grant'), stolen)
    assert.equal((await other.askToken({ grant_type: 'refresh_token', refresh_token: theirs })).status, 200)
  })
}

onEachStage('The plans at the token endpoint', modules, flow => hasCode(flow) && travelsApart(flow))
