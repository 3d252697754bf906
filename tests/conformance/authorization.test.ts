/** The plans at the authorization endpoint: what requests are taken, in which forms, and where their answers go. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { SECOND } from '../../server/kernel/seconds.ts'
import { randomSecret } from '../../server/kernel/secrets.ts'
import { isDisordered, isLong } from './checks/entropy.ts'
import { isErrorPage } from './checks/page.ts'
import { insist } from './insist.ts'
import { type Asked, passPages } from './relying-party.ts'
import { CODE, hasCode, hasIdToken, onEachStage, type Stage } from './stage.ts'
import { FIRST } from './tenant.ts'

const PROTOCOL_CLAIMS = [
  ...['iss', 'sub', 'aud', 'exp', 'iat', 'auth_time', 'nonce', 'acr', 'amr', 'azp'],
  ...['at_hash', 'c_hash', 's_hash', 'nbf', 'jti', 'sid', 'txn'],
]
const INTERACTION_ERRORS = ['login_required', 'interaction_required', 'account_selection_required', 'consent_required']

/** OpenID Connect Core §3.1.3.6, for RS256. */
const leftHalf = (text: string): string =>
  createHash('sha256').update(text).digest().subarray(0, 16).toString('base64url')

/** OpenID Connect Core §6.1, with `alg: none`. */
const unsignedObject = ({ parameters }: Asked): string =>
  `${[{ alg: 'none' }, Object.fromEntries(parameters)].map(part => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`

const modules = (stage: Stage): void => {
  /** Then it is the browser that takes the answer there. */
  const isForm = stage.flow.responseMode === 'form_post'

  test('oidcc-server: a person signs in, and everything that comes of it is as it has to be', async () => {
    const { code, answer, idToken, behind, front, pages } = await (await stage.relyingParty()).play(stage.person())
    assert.ok(pages.includes('sign-in'))
    if (hasCode(stage.flow)) {
      insist('oidcc-server#code-length', isLong(code), code)
      insist('oidcc-server#code-entropy', isDisordered(code), code)
    }
    if (front.idToken) {
      const { at_hash, c_hash } = front.idToken.claims
      const { accessToken } = front
      insist('oidcc-server#front-at-hash', accessToken === undefined || at_hash === leftHalf(accessToken), at_hash)
      insist('oidcc-server#front-c-hash', front.code === undefined || c_hash === leftHalf(front.code), c_hash)
    }
    insist('oidcc-server#expires-in', answer.expires_in !== undefined || answer.access_token === '', answer)
    const beside = front.idToken ? (front.accessToken ?? '') : answer.access_token
    const both = new Map([
      [behind, answer.access_token],
      [idToken, beside],
    ])
    for (const [{ claims }, accessToken] of both) {
      const [atHash, codeHash] = [accessToken, code].map(leftHalf)
      insist('oidcc-server#at-hash', (claims['at_hash'] ?? atHash) === atHash, claims)
      insist('oidcc-server#c-hash', (claims['c_hash'] ?? codeHash) === codeHash, claims)
      insist('oidcc-server#no-name', !('name' in claims), claims)
      const others = Object.keys(claims).filter(name => !PROTOCOL_CLAIMS.includes(name))
      insist('oidcc-server#no-other-claims', others.length === 0, others)
    }
  })

  test('oidcc-response-type-missing: the application is told in the query, with its state', async () => {
    const party = await stage.relyingParty()
    const asked = party.ask({ response_type: undefined })
    const stop = await stage.person().visit(asked.url)
    insist('oidcc-response-type-missing#place', stop.left || isForm, stop.url.href)
    const error = party.takeError(asked, stop)
    insist('oidcc-response-type-missing#error', /^(?:unsupported_response_type|invalid_request)$/.test(error), error)
  })

  test('oidcc-idtoken-signature: a client that says nothing of algorithms gets RS256, with a kid', async () => {
    const { header } = (await (await stage.relyingParty()).play(stage.person())).idToken
    insist('oidcc-idtoken-signature#rs256', header['alg'] === 'RS256', header)
    insist('oidcc-idtoken-signature#kid', typeof header['kid'] === 'string' && header['kid'] !== '', header)
  })

  test('oidcc-idtoken-unsigned: unsigned ID tokens are not offered', async () => {
    const { metadata } = await stage.relyingParty()
    const offered = metadata['id_token_signing_alg_values_supported'] as readonly string[]
    insist('oidcc-idtoken-unsigned#none', !offered.includes('none'), offered)
  })

  if (hasIdToken(stage.flow))
    test('oidcc-ensure-request-without-nonce-fails: an ID token from here answers a nonce, or there is none', async () => {
      const party = await stage.relyingParty()
      const asked = party.ask({ nonce: undefined })
      const error = party.takeError(asked, await stage.person().visit(asked.url))
      insist('oidcc-ensure-request-without-nonce-fails#error', error === 'invalid_request', error)
    })
  else
    test('oidcc-ensure-request-without-nonce-succeeds-for-code-flow: a request without nonce has a code', async () => {
      const { code } = await (await stage.relyingParty()).play(stage.person(), { nonce: undefined })
      insist('oidcc-ensure-request-without-nonce-succeeds-for-code-flow#code', code !== '', code)
    })

  // As FAPI's plans have it; here it makes no difference what else the answer holds.
  if (stage.flow === CODE)
    test('without a state there is an answer, and none in it', async () => {
      const { code } = await (await stage.relyingParty()).play(stage.person(), { state: undefined })
      assert.notEqual(code, '')
    })

  test('oidcc-alternate-happy-flow: scopes and parameters may come in any order', async () => {
    const party = await stage.relyingParty()
    const asked = party.ask({ scope: 'email openid' })
    const turned = new URL(asked.url)
    turned.search = new URLSearchParams([...asked.parameters].reverse()).toString()
    assert.notEqual(turned.search, asked.url.search)
    const person = stage.person()
    const { stop } = await passPages(person, await person.visit(turned))
    const { userinfo } = await party.finish(asked, stop)
    insist('oidcc-alternate-happy-flow#order', 'email' in userinfo, userinfo)
  })

  test('oidcc-prompt-none-not-logged-in: whoever is not signed in is not shown a page', async () => {
    const party = await stage.relyingParty()
    const asked = party.ask({ prompt: 'none', state: randomSecret().repeat(3).slice(0, 128) })
    const stop = await stage.person().visit(asked.url)
    insist('oidcc-prompt-none-not-logged-in#place', (stop.left || isForm) && asked.state?.length === 128, stop.url.href)
    const error = party.takeError(asked, stop)
    insist('oidcc-prompt-none-not-logged-in#error', INTERACTION_ERRORS.includes(error), error)
  })

  test('oidcc-ensure-request-with-unknown-parameter-succeeds: an unknown parameter changes nothing', async () => {
    const { idToken } = await (await stage.relyingParty()).play(stage.person(), { extra: 'foobar' })
    insist('oidcc-ensure-request-with-unknown-parameter-succeeds#ignored', 'sub' in idToken.claims, idToken)
  })

  test('oidcc-ensure-registered-redirect-uri: a longer redirect URI is shown to the person and not followed', async () => {
    const party = await stage.relyingParty()
    const stop = await stage.person().visit(party.ask({ redirect_uri: `${FIRST.redirectUri}/${randomSecret()}` }).url)
    insist('oidcc-ensure-registered-redirect-uri#page', isErrorPage(stop), stop)
  })

  test('oidcc-ensure-post-request-succeeds: a request may be posted as a form', async () => {
    const party = await stage.relyingParty()
    const asked = party.ask()
    const person = stage.person()
    const begun = performance.now()
    const { origin, pathname } = asked.url
    const fields = Object.fromEntries(asked.parameters)
    const { stop } = await passPages(person, await person.post(origin + pathname, fields, 'https://suite.example'))
    await party.finish(asked, stop)
    const seconds = (performance.now() - begun) / SECOND
    insist('oidcc-ensure-post-request-succeeds#completes', seconds < 30, seconds)
  })

  test('oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported: unsigned objects are not offered', async () => {
    const { metadata } = await stage.relyingParty()
    const listed = metadata['request_object_signing_alg_values_supported']
    insist(
      'oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported#answer',
      Array.isArray(listed) && listed.length > 0 && !listed.includes('none'),
      listed,
    )
  })

  test('oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported: request is refused by its name', async () => {
    const party = await stage.relyingParty()
    // State and nonce stand in the object alone, so whoever ignores it answers without them.
    const asked = party.ask({ state: undefined, nonce: undefined, request: unsignedObject(party.ask()) })
    const error = party.takeError(asked, await stage.person().visit(asked.url))
    insist(
      'oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported#answer',
      error === 'request_not_supported',
      error,
    )
    const { request_parameter_supported: isSupported } = party.metadata
    insist(
      'oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported#metadata',
      isSupported === true,
      isSupported,
    )
  })

  test('oidcc-ensure-request-object-with-redirect-uri: a bad redirect URI beside an object is shown, not followed', async () => {
    const party = await stage.relyingParty()
    const request = unsignedObject(party.ask())
    const stop = await stage.person().visit(party.ask({ request, redirect_uri: `${FIRST.redirectUri}_invalid` }).url)
    insist('oidcc-ensure-request-object-with-redirect-uri#page', isErrorPage(stop), stop)
  })
}

onEachStage('The plans at the authorization endpoint', modules, () => true)
