/**
 * Codes and refresh tokens in the wrong hands: another client's, made up, bent by a bit, or stolen and used late.
 * What was stolen must be worthless, and trying it must not cost the rightful one anything; unless both used it.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { onEachStore, type RunningServer, startServer } from '../fixtures/server.ts'
import {
  ANN,
  askToken,
  askUserinfo,
  authorizePath,
  type ClientCredentials,
  CookieJarBrowser,
  codeOf,
  MACHINE,
  OTHER_SPA,
  PARTNER,
  type Reply,
  redemption,
  refreshing,
  SPA,
  signIn,
  silentCode,
  type Tokens,
  tenantFile,
  WEB,
} from './stage.ts'

const OFFLINE = { scope: 'openid email offline_access' }

/** One byte of base64url changed to another of the same alphabet. */
const flip = (text: string, at: number): string =>
  `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`

const assertRefused = (reply: Reply, error = 'invalid_grant', said = error): void =>
  assert.deepEqual([reply.status, reply.json()['error']], [error === 'invalid_client' ? 401 : 400, error], said)

onEachStore('A stolen code or refresh token', store => {
  let server: RunningServer
  let browser: CookieJarBrowser

  before(async () => {
    server = await startServer({ store, tenantFile })
    browser = new CookieJarBrowser(server)
    await signIn(browser, ANN)
  })
  after(() => server?.close())

  async function newTokens(client: ClientCredentials = SPA): Promise<Tokens> {
    const code = await silentCode(browser, authorizePath(client, OFFLINE))
    const reply = await askToken(server, redemption(client, code))
    assert.equal(reply.status, 200, reply.body)
    return reply.json() as unknown as Tokens
  }

  async function refresh(client: ClientCredentials, token: string): Promise<Tokens> {
    const reply = await askToken(server, refreshing(client, token))
    assert.equal(reply.status, 200, reply.body)
    return reply.json() as unknown as Tokens
  }

  test('a code redeemed by another client is refused, and still good for its own', async () => {
    const code = await silentCode(browser, authorizePath(SPA, OFFLINE))
    for (const thief of [OTHER_SPA, WEB, PARTNER]) assertRefused(await askToken(server, redemption(thief, code)))
    assertRefused(await askToken(server, redemption(MACHINE, code)), 'unauthorized_client')
    const reply = await askToken(server, redemption(SPA, code))
    assert.equal(reply.status, 200)
    assert.equal((await askUserinfo(server, String(reply.json()['access_token']))).status, 200)
  })

  test('a code presented in the name of its client, without that client’s secret, is refused and not spent', async () => {
    const code = await silentCode(browser, authorizePath(WEB, OFFLINE))
    const { client_id } = WEB
    for (const client of [{ client_id }, { client_id, client_secret: '' }, { client_id, client_secret: 'wrong' }])
      assertRefused(await askToken(server, redemption(client, code)), 'invalid_client')
    assert.equal((await askToken(server, redemption(WEB, code))).status, 200)
  })

  test('a code bent by one character anywhere is refused, and the code itself is not spent by it', async () => {
    const code = await silentCode(browser)
    for (let at = 0; at < code.length; at++)
      assertRefused(await askToken(server, redemption(SPA, flip(code, at))), 'invalid_grant', `character ${at}`)
    assertRefused(await askToken(server, redemption(SPA, `${code}A`)))
    assertRefused(await askToken(server, redemption(SPA, code.slice(0, -1))))
    assert.equal((await askToken(server, redemption(SPA, code))).status, 200)
  })

  test('a code used twice by a caller that proves itself ends what the first use gave', async () => {
    const code = await silentCode(browser, authorizePath(SPA, OFFLINE))
    const first = (await askToken(server, redemption(SPA, code))).json() as unknown as Tokens
    assert.equal((await askUserinfo(server, first.access_token)).status, 200)
    assertRefused(await askToken(server, redemption(SPA, code)))
    assert.equal((await askUserinfo(server, first.access_token)).status, 401)
    assertRefused(await askToken(server, refreshing(SPA, first.refresh_token)))
  })

  test('a code used again by a caller that cannot prove itself ends nothing', async () => {
    const code = await silentCode(browser, authorizePath(SPA, OFFLINE))
    const first = (await askToken(server, redemption(SPA, code))).json() as unknown as Tokens
    assertRefused(await askToken(server, redemption(OTHER_SPA, code)))
    assertRefused(await askToken(server, redemption(SPA, code, { code_verifier: 'x'.repeat(43) })))
    assert.equal((await askUserinfo(server, first.access_token)).status, 200)
    await refresh(SPA, first.refresh_token)
  })

  test('a refresh token presented by another client is refused, and its family goes on', async () => {
    const { refresh_token, access_token } = await newTokens()
    for (const thief of [OTHER_SPA, WEB, PARTNER])
      assertRefused(await askToken(server, refreshing(thief, refresh_token)))
    assertRefused(await askToken(server, refreshing(MACHINE, refresh_token)), 'unauthorized_client')
    assert.equal((await askUserinfo(server, access_token)).status, 200)
    const next = await refresh(SPA, refresh_token)
    await refresh(SPA, next.refresh_token)
  })

  test('a refresh token in the name of its client, without that client’s secret, is refused', async () => {
    const { refresh_token } = await newTokens(WEB)
    const { client_id } = WEB
    for (const client of [{ client_id }, { client_id, client_secret: 'wrong' }])
      assertRefused(await askToken(server, refreshing(client, refresh_token)), 'invalid_client')
    await refresh(WEB, refresh_token)
  })

  test('a refresh token bent by one character anywhere is refused, and its family goes on', async () => {
    const { refresh_token } = await newTokens()
    for (let at = 0; at < refresh_token.length; at++)
      assertRefused(
        await askToken(server, refreshing(SPA, flip(refresh_token, at))),
        'invalid_grant',
        `character ${at}`,
      )
    await refresh(SPA, refresh_token)
  })

  test('made-up refresh tokens of a family that exists are refused for their MAC, and the family goes on', async () => {
    const { refresh_token } = await newTokens()
    const [key = '', family = '', generation = '', mac = ''] = refresh_token.split('.')
    const stranger = (await newTokens()).refresh_token.split('.')
    const made = [
      [key, family, '1', mac],
      [key, family, '7', mac],
      [key, family, '-1', mac],
      [key, family, '00', mac],
      [key, family, '0x0', mac],
      [key, family, `${generation}0`, mac],
      [key, family, generation, 'A'.repeat(43)],
      [key, family, generation, stranger[3] ?? ''],
      [key, stranger[1] ?? '', generation, mac],
      ['another-key', family, generation, mac],
      ['', family, generation, mac],
      [key, family, generation],
      [key, family, generation, mac, ''],
      [key, family, generation, `${mac}=`],
      [key, family, generation, ` ${mac}`],
    ].map(parts => parts.join('.'))
    for (const token of made) assertRefused(await askToken(server, refreshing(SPA, token)), 'invalid_grant', token)
    await refresh(SPA, refresh_token)
  })

  test('a stolen older refresh token, used after its owner went on, ends the family for both and every token of it', async () => {
    const stolen = await newTokens()
    const second = await refresh(SPA, stolen.refresh_token)
    const third = await refresh(SPA, second.refresh_token)
    for (const { access_token } of [stolen, second, third])
      assert.equal((await askUserinfo(server, access_token)).status, 200)

    assertRefused(await askToken(server, refreshing(SPA, stolen.refresh_token)))
    for (const { access_token } of [stolen, second, third])
      assert.equal((await askUserinfo(server, access_token)).status, 401)
    for (const { refresh_token } of [stolen, second, third])
      assertRefused(await askToken(server, refreshing(SPA, refresh_token)))
  })

  test('the owner who comes back after the thief ends the family as well', async () => {
    const owner = await newTokens()
    const thief = await refresh(SPA, owner.refresh_token)
    const further = await refresh(SPA, thief.refresh_token)
    assertRefused(await askToken(server, refreshing(SPA, owner.refresh_token)))
    assertRefused(await askToken(server, refreshing(SPA, further.refresh_token)))
    assert.equal((await askUserinfo(server, further.access_token)).status, 401)
  })

  test('one family that ends takes no other with it', async () => {
    const bystander = await newTokens()
    const stolen = await newTokens()
    const second = await refresh(SPA, stolen.refresh_token)
    await refresh(SPA, second.refresh_token)
    assertRefused(await askToken(server, refreshing(SPA, stolen.refresh_token)))
    assert.equal((await askUserinfo(server, bystander.access_token)).status, 200)
    await refresh(SPA, bystander.refresh_token)
  })

  test('an access token, an ID token or a code is no refresh token, nor the other way round', async () => {
    const { access_token, id_token, refresh_token } = await newTokens()
    const code = codeOf(new URL((await browser.get(authorizePath())).location ?? ''))
    for (const token of [access_token, id_token, code]) assertRefused(await askToken(server, refreshing(SPA, token)))
    for (const other of [access_token, id_token, refresh_token])
      assertRefused(await askToken(server, redemption(SPA, other)))
    assert.equal((await askUserinfo(server, refresh_token)).status, 401)
    assert.equal((await askUserinfo(server, code)).status, 401)
  })

  test('a refresh asks for no more than was granted', async () => {
    const { refresh_token } = await newTokens()
    const wider = { ...refreshing(SPA, refresh_token), scope: 'openid email offline_access profile' }
    assertRefused(await askToken(server, wider), 'invalid_scope')
  })
})
