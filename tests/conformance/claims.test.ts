/** The plans and what is said of a person: at UserInfo, by scopes and by name, and in the ID token where nothing else comes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toSeconds } from '../../server/kernel/seconds.ts'
import { claimsOfScope, mistyped, type Scope } from './checks/standard-claims.ts'
import { isJson } from './checks/token-answer.ts'
import { insist } from './insist.ts'
import type { UserinfoWay } from './relying-party.ts'
import { hasCode, hasToken, onEachStage, type Stage, travelsApart } from './stage.ts'
import { PERSON, PROFILE } from './tenant.ts'

type Claims = Readonly<Record<string, unknown>>

const KNOWN: Claims = { email: PERSON.email, email_verified: true, ...PROFILE }

const modules = (stage: Stage): void => {
  /** No access token comes with which UserInfo could be asked (OpenID Connect Core §5.4). */
  const isAlone = !hasCode(stage.flow) && !hasToken(stage.flow)

  const wrongIn = (claims: Claims): Claims => mistyped(claims, toSeconds(stage.clock.now()))

  /** With the claims of scopes, so that there is something to have a type. */
  async function askedBy(way: UserinfoWay) {
    const party = await stage.relyingParty()
    const { answer, idToken } = await party.play(stage.person(), { scope: 'openid profile email address phone' })
    const info = await party.askUserinfo(answer.access_token, way)
    const { sub } = info.body ?? {}
    return {
      info,
      isSame: typeof sub === 'string' && sub === idToken.claims['sub'],
      wrong: wrongIn(info.body ?? {}),
    }
  }
  const isEmpty = (claims: Claims): boolean => Object.keys(claims).length === 0

  if (!isAlone) {
    test('oidcc-userinfo-get: UserInfo answers a GET', async () => {
      const { info, isSame, wrong } = await askedBy('get')
      insist('oidcc-userinfo-get#json', info.status === 200 && isJson(info), info)
      insist('oidcc-userinfo-get#sub', isSame, info.body)
      insist('oidcc-userinfo-get#claim-types', isEmpty(wrong), wrong)
    })

    test('oidcc-userinfo-post-header: UserInfo answers a POST with the token in the header', async () => {
      const { info, isSame, wrong } = await askedBy('post-header')
      insist('oidcc-userinfo-post-header#json', info.status === 200 && isJson(info), info)
      insist('oidcc-userinfo-post-header#sub', isSame, info.body)
      insist('oidcc-userinfo-post-header#claim-types', isEmpty(wrong), wrong)
    })

    test('oidcc-userinfo-post-body: UserInfo answers a POST with the token in the form', async () => {
      const { info, isSame, wrong } = await askedBy('post-body')
      insist('oidcc-userinfo-post-body#answers', info.status === 200, info)
      insist('oidcc-userinfo-post-body#json', isJson(info), info)
      insist('oidcc-userinfo-post-body#sub', isSame, info.body)
      insist('oidcc-userinfo-post-body#claim-types', isEmpty(wrong), wrong)
    })
  }

  async function opened(...scopes: readonly Scope[]) {
    const party = await stage.relyingParty()
    const listed = party.metadata['scopes_supported'] as readonly string[]
    const { idToken, userinfo } = await party.play(stage.person(), { scope: ['openid', ...scopes].join(' ') })
    // Of the right type and of the right person.
    const told = Object.entries(userinfo).filter(([name]) => name in KNOWN)
    for (const [name, value] of told) assert.deepEqual(value, KNOWN[name], name)
    return {
      isListed: scopes.every(scope => listed.includes(scope)),
      missing: scopes.flatMap(scope => claimsOfScope(scope).filter(claim => !(claim in userinfo))),
      wrong: wrongIn(userinfo),
      idToken: idToken.claims,
      userinfo,
    }
  }

  test('oidcc-scope-profile: the scope opens each of its claims, at UserInfo', async () => {
    const { isListed, missing, wrong } = await opened('profile')
    insist('oidcc-scope-profile#listed', isListed)
    insist('oidcc-scope-profile#claims', missing.length === 0, missing)
    insist('oidcc-scope-profile#types', isEmpty(wrong), wrong)
  })

  test('oidcc-scope-email: the scope opens its two claims, at UserInfo alone', async () => {
    const { isListed, missing, wrong, idToken, userinfo } = await opened('email')
    insist('oidcc-scope-email#listed', isListed)
    insist('oidcc-scope-email#claims', missing.length === 0, missing)
    insist('oidcc-scope-email#types', isEmpty(wrong), wrong)
    insist('oidcc-scope-email#id-token', isAlone || (!('email' in idToken) && !('name' in idToken)), idToken)
    insist('oidcc-scope-email#id-token-alone', !isAlone || 'email' in idToken, idToken)
    insist('oidcc-scope-email#no-name', !('name' in userinfo), userinfo)
  })

  test('oidcc-scope-address: the scope opens the address, at UserInfo', async () => {
    const { isListed, missing, wrong } = await opened('address')
    insist('oidcc-scope-address#listed', isListed)
    insist('oidcc-scope-address#claims', missing.length === 0, missing)
    insist('oidcc-scope-address#types', isEmpty(wrong), wrong)
  })

  test('oidcc-scope-phone: the scope opens its two claims, at UserInfo', async () => {
    const { isListed, missing, wrong } = await opened('phone')
    insist('oidcc-scope-phone#listed', isListed)
    insist('oidcc-scope-phone#claims', missing.length === 0, missing)
    insist('oidcc-scope-phone#types', isEmpty(wrong), wrong)
  })

  test('oidcc-scope-all: the scopes together open every claim, at UserInfo', async () => {
    const { isListed, missing, wrong } = await opened('profile', 'email', 'address', 'phone')
    insist('oidcc-scope-all#listed', isListed)
    insist('oidcc-scope-all#claims', missing.length === 0, missing)
    insist('oidcc-scope-all#types', isEmpty(wrong), wrong)
  })

  test('oidcc-claims-essential: one claim is asked for by name, and comes where it was asked for', async () => {
    const claims = JSON.stringify({ [isAlone ? 'id_token' : 'userinfo']: { name: { essential: true } } })
    const { idToken, userinfo } = await (await stage.relyingParty()).play(stage.person(), { claims })
    insist('oidcc-claims-essential#userinfo', 'name' in userinfo, userinfo)
    insist('oidcc-claims-essential#id-token', isAlone || !('name' in idToken.claims), idToken.claims)
    insist('oidcc-claims-essential#id-token-alone', !isAlone || 'name' in idToken.claims, idToken.claims)
  })
}

onEachStage('The plans at UserInfo', modules, travelsApart)
