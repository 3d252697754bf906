/** The plans and the person: who is asked to sign in again, who is not, and what requests may say of the pages. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SECOND, toSeconds } from '../../server/kernel/seconds.ts'
import type { Person } from '../fixtures/person.ts'
import { insist } from './insist.ts'
import type { Changes, Played } from './relying-party.ts'
import { onEachStage, type Stage, travelsApart } from './stage.ts'

/** Between reading the clock and the token that was made just before it. */
const LATELY = 5

const modules = (stage: Stage): void => {
  /** Twice in the same browser, with `seconds` in between. */
  async function twice(changes: (first: Played) => Changes, { seconds = 1, first = {} as Changes } = {}) {
    const [party, person] = [await stage.relyingParty(), stage.person()]
    const before = await party.play(person, first)
    assert.ok(before.pages.includes('sign-in'))
    stage.clock.advance(seconds * SECOND)
    const after = await party.play(person, changes(before))
    const [was, is] = [before.idToken.claims, after.idToken.claims]
    return { pages: after.pages, was, is, authTimes: [Number(was['auth_time']), Number(is['auth_time'])] as const }
  }
  const once = async (changes: Changes, person: Person = stage.person()): Promise<Played> =>
    (await stage.relyingParty()).play(person, changes)

  test('oidcc-display-page: display=page is taken', async () => {
    const { idToken } = await once({ display: 'page' })
    insist('oidcc-display-page#accepted', 'sub' in idToken.claims, idToken)
  })

  test('oidcc-display-popup: display=popup is taken', async () => {
    const { idToken } = await once({ display: 'popup' })
    insist('oidcc-display-popup#accepted', 'sub' in idToken.claims, idToken)
  })

  test('oidcc-prompt-login: whoever is signed in has to sign in again', async () => {
    const { pages, authTimes } = await twice(() => ({ prompt: 'login' }))
    insist('oidcc-prompt-login#page', pages.includes('sign-in'), pages)
    insist('oidcc-prompt-login#auth-time', authTimes[1] > authTimes[0], authTimes)
  })

  test('oidcc-prompt-none-logged-in: whoever is signed in, and has consented, is not shown a page', async () => {
    const { pages, was, is, authTimes } = await twice(() => ({ prompt: 'none' }))
    insist('oidcc-prompt-none-logged-in#silent', pages.length === 0, pages)
    insist('oidcc-prompt-none-logged-in#sub', is['sub'] === was['sub'], is)
    insist('oidcc-prompt-none-logged-in#auth-time', authTimes[1] === authTimes[0], authTimes)
  })

  test('oidcc-max-age-1: whoever signed in too long ago has to sign in again', async () => {
    const { pages, is, authTimes } = await twice(() => ({ max_age: '1' }), { seconds: 2 })
    insist('oidcc-max-age-1#page', pages.includes('sign-in'), pages)
    insist('oidcc-max-age-1#auth-time', typeof is['auth_time'] === 'number', is)
    insist('oidcc-max-age-1#later', authTimes[1] > authTimes[0], authTimes)
    insist('oidcc-max-age-1#recent', toSeconds(stage.clock.now()) - authTimes[1] <= LATELY, authTimes)
  })

  test('oidcc-max-age-10000: whoever signed in lately does not have to', async () => {
    const { pages, was, is } = await twice(() => ({ max_age: '10000' }), { seconds: 60, first: { max_age: '15000' } })
    insist('oidcc-max-age-10000#first', typeof was['auth_time'] === 'number', was)
    insist('oidcc-max-age-10000#silent', pages.length === 0, pages)
    insist('oidcc-max-age-10000#second', is['auth_time'] === was['auth_time'], is)
  })

  test('oidcc-id-token-hint: the person of the hint is answered for without a page', async () => {
    const { pages, was, is, authTimes } = await twice(({ answer }) => ({
      prompt: 'none',
      id_token_hint: answer.id_token,
    }))
    insist('oidcc-id-token-hint#silent', pages.length === 0, pages)
    insist('oidcc-id-token-hint#sub', is['sub'] === was['sub'], is)
    insist('oidcc-id-token-hint#auth-time', authTimes[1] === authTimes[0], authTimes)
  })

  test('oidcc-login-hint: a hint of somebody unknown does no harm', async () => {
    const { idToken } = await once({ login_hint: `buffy@${new URL(stage.issuer).hostname}` })
    insist('oidcc-login-hint#accepted', 'sub' in idToken.claims, idToken)
  })

  test('oidcc-ui-locales: a language that there are no words for is no fault', async () => {
    const { idToken } = await once({ ui_locales: 'se' })
    insist('oidcc-ui-locales#accepted', 'sub' in idToken.claims, idToken)
  })

  test('oidcc-claims-locales: a language that nobody’s claims are in is no fault', async () => {
    const { idToken } = await once({ claims_locales: 'se' })
    insist('oidcc-claims-locales#accepted', 'sub' in idToken.claims, idToken)
  })

  test('oidcc-ensure-request-with-acr-values-succeeds: acr is one of those asked for', async () => {
    const { metadata } = await stage.relyingParty()
    const values = (metadata['acr_values_supported'] as readonly string[] | undefined) ?? ['1', '2']
    const { idToken } = await once({ acr_values: values.join(' ') })
    insist('oidcc-ensure-request-with-acr-values-succeeds#code', 'sub' in idToken.claims, idToken)
    const { acr } = idToken.claims
    insist('oidcc-ensure-request-with-acr-values-succeeds#acr', values.includes(String(acr)), acr)
  })
}

onEachStage('The plans and the person', modules, travelsApart)
