/** The plan for RP-initiated logout: where it leads, where it must not lead, and that whoever signs out is signed out. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { toSeconds } from '../../server/kernel/seconds.ts'
import { randomSecret } from '../../server/kernel/secrets.ts'
import { readForms } from '../fixtures/html-form.ts'
import type { Person, Stop } from '../fixtures/person.ts'
import { isShown } from './checks/page.ts'
import { insist } from './insist.ts'
import type { Changes, RelyingParty } from './relying-party.ts'
import { onEachStage } from './stage.ts'
import { SIGNED_OUT_URI } from './tenant.ts'

type Parameters = Readonly<Record<string, string>>

onEachStage('The plan for RP-initiated logout', stage => {
  /** Somebody who signed in a moment ago, and a link to sign out with. */
  async function signedIn() {
    const [party, person] = [await stage.relyingParty(), stage.person()]
    const { answer } = await party.play(person)
    const visit = (parameters: Parameters): Promise<Stop> => {
      const url = new URL(String(party.metadata['end_session_endpoint']))
      url.search = new URLSearchParams(parameters).toString()
      return person.visit(url)
    }
    return { party, person, hint: answer.id_token ?? '', accessToken: answer.access_token, visit }
  }

  /** Whatever the page offers is taken, and still nobody is led away. */
  async function confirm(person: Person, stop: Stop): Promise<Stop> {
    return !stop.left && readForms(stop.html).length > 0 ? person.submit(stop) : stop
  }
  const isGoodbye = (stop: Stop): boolean => isShown(stop) && stop.status === 200 && stop.url.pathname === '/signed-out'

  async function errorOfSilence(party: RelyingParty, person: Person, changes: Changes = {}): Promise<string> {
    const asked = party.ask({ prompt: 'none', ...changes })
    return party.takeError(asked, await person.visit(asked.url))
  }
  const INTERACTION_ERROR = /^(?:login|interaction|account_selection|consent)_(?:required)$/

  test('oidcc-rp-initiated-logout: a hint and a registered address lead back with the state', async () => {
    const { party, person, hint, accessToken, visit } = await signedIn()
    const state = randomSecret().repeat(3).slice(0, 128)
    const first = await visit({ id_token_hint: hint, post_logout_redirect_uri: SIGNED_OUT_URI, state })
    const { url, left } = await confirm(person, first)
    insist('oidcc-rp-initiated-logout#redirect', left && url.origin + url.pathname === SIGNED_OUT_URI, url.href)
    insist('oidcc-rp-initiated-logout#state', url.searchParams.get('state') === state, url.href)
    insist('oidcc-rp-initiated-logout#only-state', [...url.searchParams].length === 1 && url.hash === '', url.href)
    const error = await errorOfSilence(party, person)
    insist('oidcc-rp-initiated-logout#signed-out', INTERACTION_ERROR.test(error), error)
    assert.equal((await party.askUserinfo(accessToken)).status, 401)
  })

  test('oidcc-rp-initiated-logout-no-state: without a state none comes back', async () => {
    const { party, person, hint, accessToken, visit } = await signedIn()
    const first = await visit({ id_token_hint: hint, post_logout_redirect_uri: SIGNED_OUT_URI })
    const { url, left } = await confirm(person, first)
    const isThere = left && url.origin + url.pathname === SIGNED_OUT_URI
    insist('oidcc-rp-initiated-logout-no-state#redirect', isThere, url.href)
    insist('oidcc-rp-initiated-logout-no-state#no-state', !url.searchParams.has('state'), url.href)
    insist('oidcc-rp-initiated-logout-no-state#nothing-else', url.href === SIGNED_OUT_URI, url.href)
    const error = await errorOfSilence(party, person)
    insist('oidcc-rp-initiated-logout-no-state#signed-out', INTERACTION_ERROR.test(error), error)
    assert.equal((await party.askUserinfo(accessToken)).status, 401)
  })

  /** On the page, and on whatever follows from what it offers. */
  async function keepsHere(parameters: (hint: string) => Parameters | Promise<Parameters>) {
    const { person, hint, visit } = await signedIn()
    const first = await visit({ state: randomSecret(), ...(await parameters(hint)) })
    const last = await confirm(person, first)
    return { holds: isShown(first) && isShown(last), stops: [first, last] }
  }

  test('oidcc-rp-initiated-logout-bad-post-logout-redirect-uri: an unregistered address is not followed', async () => {
    const { holds, stops } = await keepsHere(hint => ({
      id_token_hint: hint,
      post_logout_redirect_uri: `${SIGNED_OUT_URI}/${randomSecret()}`,
    }))
    insist('oidcc-rp-initiated-logout-bad-post-logout-redirect-uri#page', holds, stops)
  })

  test('oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri: a registered address with a query is another', async () => {
    const { holds, stops } = await keepsHere(hint => ({
      id_token_hint: hint,
      post_logout_redirect_uri: `${SIGNED_OUT_URI}?foo=bar`,
    }))
    insist('oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri#page', holds, stops)
  })

  test('oidcc-rp-initiated-logout-modified-id-token-hint: a hint without a signature is no hint', async () => {
    const { holds, stops } = await keepsHere(hint => ({
      id_token_hint: `${Buffer.from('{"alg":"none"}').toString('base64url')}.${hint.split('.')[1]}.`,
      post_logout_redirect_uri: SIGNED_OUT_URI,
    }))
    insist('oidcc-rp-initiated-logout-modified-id-token-hint#page', holds, stops)
  })

  test('oidcc-rp-initiated-logout-bad-id-token-hint: a hint that the application signed is no hint', async () => {
    const { client, keys } = await stage.relyingParty()
    const { privateKey } = await generateKeyPair('RS256')
    const signed = (claims: JWTPayload) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: String(keys[0]?.['kid']) }).sign(privateKey)
    const now = toSeconds(stage.clock.now())
    const own = { iss: client.id, aud: stage.issuer, sub: 'somebody', iat: now, exp: now + 300 }
    // As the suite has it, and one that is wrong in nothing but the signature.
    for (const forge of [() => signed(own), (hint: string) => signed(decodeJwt(hint))]) {
      const { holds, stops } = await keepsHere(async hint => ({
        id_token_hint: await forge(hint),
        post_logout_redirect_uri: SIGNED_OUT_URI,
      }))
      insist('oidcc-rp-initiated-logout-bad-id-token-hint#page', holds, stops)
    }
  })

  test('oidcc-rp-initiated-logout-no-id-token-hint: an address of nobody is not followed', async () => {
    const { holds, stops } = await keepsHere(() => ({ post_logout_redirect_uri: SIGNED_OUT_URI }))
    insist('oidcc-rp-initiated-logout-no-id-token-hint#page', holds, stops)
  })

  /** Signs out without an address: what the person sees at last, and whether they are signed out then. */
  async function signsOut(parameters: (hint: string) => Parameters) {
    const { party, person, hint, accessToken, visit } = await signedIn()
    const stop = await confirm(person, await visit(parameters(hint)))
    assert.equal((await party.askUserinfo(accessToken)).status, 401, 'the session is over, not just out of sight')
    return { stop, error: await errorOfSilence(party, person) }
  }

  test('oidcc-rp-initiated-logout-no-params: a bare link signs out, after a question', async () => {
    const { stop, error } = await signsOut(() => ({}))
    insist('oidcc-rp-initiated-logout-no-params#signed-out', INTERACTION_ERROR.test(error), error)
    insist('oidcc-rp-initiated-logout-no-params#page', isGoodbye(stop), stop)
  })

  test('oidcc-rp-initiated-logout-no-post-logout-redirect-uri: a hint without an address ends on our page', async () => {
    const { stop, error } = await signsOut(hint => ({ id_token_hint: hint, state: randomSecret() }))
    insist('oidcc-rp-initiated-logout-no-post-logout-redirect-uri#signed-out', INTERACTION_ERROR.test(error), error)
    insist('oidcc-rp-initiated-logout-no-post-logout-redirect-uri#page', isGoodbye(stop), stop)
  })

  test('oidcc-rp-initiated-logout-only-state: a state alone leads nowhere', async () => {
    const { stop, error } = await signsOut(() => ({ state: randomSecret() }))
    insist('oidcc-rp-initiated-logout-only-state#signed-out', INTERACTION_ERROR.test(error), error)
    insist('oidcc-rp-initiated-logout-only-state#page', isGoodbye(stop), stop)
  })
})
