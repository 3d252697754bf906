/** Signing out: at once when an application of the operator’s can show that it means it, after a question otherwise, and then for good. */
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import * as oidc from 'openid-client'
import type { Application } from '../fixtures/application.ts'
import { departure, type Person, type Stop } from '../fixtures/person.ts'
import { applyTo } from '../fixtures/server.ts'
import { askSilently, onEachStage, signIn, userinfoStatus } from './stage.ts'
import { ANN, JO, REDIRECT_URI, SECRETS, SIGNED_OUT_URI } from './tenant.ts'

const FRAMED_AT = 'http://localhost:5999/out?app=framed'

onEachStage('Signing out', stage => {
  before(() =>
    applyTo(stage.server.latchkey, {
      clients: [
        {
          client_id: 'framed',
          name: 'Framed',
          app_type: 'spa',
          callbacks: [REDIRECT_URI],
          allowed_logout_urls: [SIGNED_OUT_URI],
          frontchannel_logout_uri: FRAMED_AT,
        },
      ],
    }),
  )
  async function signedIn(parameters: Readonly<Record<string, string>> = { scope: 'openid email' }) {
    const person = stage.person()
    const spa = await stage.spa()
    return { person, spa, tokens: (await signIn(spa, person, JO, parameters)).tokens }
  }

  async function assertSignedOut(spa: Application, person: Person, accessToken: string): Promise<void> {
    const { callback } = await askSilently(spa, person)
    assert.equal(callback.searchParams.get('error'), 'login_required')
    assert.equal(await userinfoStatus(stage.issuer, accessToken), 401)
  }

  async function assertSignedIn(spa: Application, person: Person, accessToken: string): Promise<void> {
    const { callback } = await askSilently(spa, person)
    assert.ok(callback.searchParams.get('code'))
    assert.equal(await userinfoStatus(stage.issuer, accessToken), 200)
  }

  const v2Logout = (parameters: Record<string, string>) =>
    new URL(`v2/logout?${new URLSearchParams(parameters)}`, stage.issuer)

  test('/v2/logout acts at once and leads back to a registered address', async () => {
    const { person, spa, tokens } = await signedIn()
    await assertSignedIn(spa, person, tokens.access_token)
    const stop = await person.visit(v2Logout({ client_id: 'spa', returnTo: SIGNED_OUT_URI }))
    assert.equal(departure(stop).href, SIGNED_OUT_URI)
    assert.equal(person.cookies.get('latchkey.session'), undefined)
    await assertSignedOut(spa, person, tokens.access_token)
  })

  test('/v2/logout to any other address is refused, and signs nobody out', async () => {
    const { person, spa, tokens } = await signedIn()
    for (const returnTo of [`${SIGNED_OUT_URI}/`, `${SIGNED_OUT_URI}?x`, 'https://evil.example/']) {
      const stop = await person.visit(v2Logout({ client_id: 'spa', returnTo }))
      assert.deepEqual([stop.status, stop.left], [400, false], returnTo)
    }
    await assertSignedIn(spa, person, tokens.access_token)
  })

  test('/v2/logout without an address asks first, since any link may lead there', async () => {
    const { person, spa, tokens } = await signedIn()
    const page = await person.visit(v2Logout({ client_id: 'spa' }))
    assert.match(page.url.pathname, /^\/sign-out\//)
    await assertSignedIn(spa, person, tokens.access_token)
    assert.equal((await person.submit(page)).url.pathname, '/signed-out')
    await assertSignedOut(spa, person, tokens.access_token)
  })

  test('/oidc/logout with a hint acts at once and returns the state', async () => {
    const { person, spa, tokens } = await signedIn()
    const url = oidc.buildEndSessionUrl(spa.configuration, {
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: SIGNED_OUT_URI,
      state: 'as it was & is',
    })
    const left = departure(await person.visit(url))
    assert.equal(left.origin + left.pathname, SIGNED_OUT_URI)
    assert.deepEqual([...left.searchParams], [['state', 'as it was & is']])
    await assertSignedOut(spa, person, tokens.access_token)
  })

  test('/oidc/logout without a hint asks first, then leads back', async () => {
    const { person, spa, tokens } = await signedIn()
    const url = oidc.buildEndSessionUrl(spa.configuration, { post_logout_redirect_uri: SIGNED_OUT_URI, state: 's' })
    const page = await person.visit(url)
    assert.match(page.url.pathname, /^\/sign-out\//)
    await assertSignedIn(spa, person, tokens.access_token)
    assert.equal(departure(await person.submit(page)).href, `${SIGNED_OUT_URI}?state=s`)
    await assertSignedOut(spa, person, tokens.access_token)
  })

  test('the question names the tenant, whose sessions end, and the application only as the one that asks', async () => {
    const { person, spa } = await signedIn()
    const tenant = (await stage.server.latchkey.store.tenants.find('default'))?.name ?? ''
    const page = await person.visit(oidc.buildEndSessionUrl(spa.configuration))
    assert.ok(page.html.includes(`<h1>Sign out of <bdi>${tenant}</bdi>`), page.html)
    assert.ok(page.html.includes('<bdi>Player</bdi> asks you to sign out.'))
    assert.equal(page.html.match(/Player/g)?.length, 1)
  })

  test('ui_locales is the language of the question and of what follows it, with a hint as well as without', async () => {
    const { person, spa, tokens } = await signedIn()
    const asked = { ui_locales: 'xx ko-KR en' }
    const page = await person.visit(oidc.buildEndSessionUrl(spa.configuration, asked))
    assert.match(page.html, /<html lang="ko">/)
    const form = await person.post(new URL('oidc/logout', stage.issuer), asked)
    assert.match(form.html, /<html lang="ko">/)
    assert.match((await person.submit(page)).html, /<html lang="ko">/)

    const hint = { id_token_hint: tokens.id_token ?? '' }
    for (const [uiLocales, language] of [
      ['ko', 'ko'],
      [`ko ${'x'.repeat(300)}`, 'en'],
      ['', 'en'],
    ] as const) {
      const after = await person.visit(oidc.buildEndSessionUrl(spa.configuration, { ...hint, ui_locales: uiLocales }))
      assert.equal(after.url.pathname, '/signed-out')
      assert.ok(after.html.includes(`<html lang="${language}">`), uiLocales)
    }
  })

  test('a logout_hint of the session in this browser acts at once, as Auth0’s SDKs expect; any other asks', async () => {
    const { person, spa, tokens } = await signedIn()
    const other = await signIn(spa, stage.person(), ANN, { scope: 'openid' })
    const leaveWith = (logout_hint: string) =>
      person.visit(
        oidc.buildEndSessionUrl(spa.configuration, {
          logout_hint,
          post_logout_redirect_uri: SIGNED_OUT_URI,
          state: 's',
        }),
      )
    for (const hint of [String(other.tokens.claims()?.['sid']), JO.email, 'ses_x', 'x'.repeat(5000), ''])
      assert.match((await leaveWith(hint)).url.pathname, /^\/sign-out\//, hint)
    await assertSignedIn(spa, person, tokens.access_token)
    const left = departure(await leaveWith(String(tokens.claims()?.['sid'])))
    assert.equal(left.href, `${SIGNED_OUT_URI}?state=s`)
    await assertSignedOut(spa, person, tokens.access_token)
    assert.equal(await userinfoStatus(stage.issuer, other.tokens.access_token), 200)
  })

  test('/oidc/logout takes a form as well as a link', async () => {
    const { person, spa, tokens } = await signedIn()
    const stop = await person.post(new URL('oidc/logout', stage.issuer), {
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: SIGNED_OUT_URI,
    })
    assert.equal(departure(stop).href, SIGNED_OUT_URI)
    await assertSignedOut(spa, person, tokens.access_token)
  })

  test('/oidc/logout by a form of another site, which comes without cookies, signs out all the same', async () => {
    const { person, spa, tokens } = await signedIn()
    const answer = await fetch(new URL('oidc/logout', stage.issuer), {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ id_token_hint: tokens.id_token ?? '', post_logout_redirect_uri: SIGNED_OUT_URI }),
    })
    assert.deepEqual(answer.headers.getSetCookie(), [])
    const next = new URL(answer.headers.get('location') ?? '', stage.issuer)
    assert.equal(departure(await person.visit(next)).href, SIGNED_OUT_URI)
    await assertSignedOut(spa, person, tokens.access_token)
    assert.equal((await person.visit(next)).status, 400)
  })

  test('no page can take the session cookie away with an ID token of its own', async () => {
    const { person, spa, tokens } = await signedIn()
    const other = await signIn(spa, stage.person(), ANN, { scope: 'openid' })
    const fields = { id_token_hint: other.tokens.id_token ?? '', post_logout_redirect_uri: SIGNED_OUT_URI }
    await person.post(new URL('oidc/logout', stage.issuer), fields, 'https://evil.example')
    assert.ok(person.cookies.get('latchkey.session'))
    await assertSignedIn(spa, person, tokens.access_token)
  })

  test('a hint of somebody else asks, or ends nothing of the person in front', async () => {
    const { person, spa, tokens } = await signedIn()
    const other = await signIn(spa, stage.person(), ANN, { scope: 'openid' })
    const url = oidc.buildEndSessionUrl(spa.configuration, { id_token_hint: other.tokens.id_token ?? '' })
    await person.visit(url)
    await assertSignedIn(spa, person, tokens.access_token)
  })

  test('a forged hint is no hint: the person is asked', async () => {
    const { person, spa, tokens } = await signedIn()
    const [header = '', payload = ''] = (tokens.id_token ?? '').split('.')
    const forged = `${header}.${payload}.${'A'.repeat(342)}`
    const page = await person.visit(oidc.buildEndSessionUrl(spa.configuration, { id_token_hint: forged }))
    assert.match(page.url.pathname, /^\/sign-out\//)
    await assertSignedIn(spa, person, tokens.access_token)
  })

  test('an address that is not registered, or a hint of another client, is refused', async () => {
    const { person, spa, tokens } = await signedIn()
    const hint = tokens.id_token ?? ''
    for (const parameters of [
      { id_token_hint: hint, post_logout_redirect_uri: 'https://evil.example/' },
      { post_logout_redirect_uri: SIGNED_OUT_URI, client_id: '' },
      { id_token_hint: hint, client_id: 'web' },
    ]) {
      const sent = Object.entries(parameters).filter(([, value]) => value !== '') as [string, string][]
      const stop = await person.visit(new URL(`oidc/logout?${new URLSearchParams(sent)}`, stage.issuer))
      assert.deepEqual([stop.status, stop.left], [400, false], JSON.stringify(parameters))
    }
    await assertSignedIn(spa, person, tokens.access_token)
  })

  test('a hint is honoured long after the ID token ended', async () => {
    const { person, spa, tokens } = await signedIn()
    stage.clock.advance(24 * 3600 * 1000)
    const url = oidc.buildEndSessionUrl(spa.configuration, {
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: SIGNED_OUT_URI,
    })
    assert.equal(departure(await person.visit(url)).href, SIGNED_OUT_URI)
    await assertSignedOut(spa, person, tokens.access_token)
  })

  test('by somebody else’s application the person is asked, whatever it shows, and led nowhere when nobody is signed in', async () => {
    const { person, spa, tokens } = await signedIn()
    const club = await stage.application('stranger', { authentication: oidc.ClientSecretPost(SECRETS.stranger) })
    const begun = await club.begin({ scope: 'openid' })
    const consented = await person.submit(await person.visit(begun.url), { decision: 'allow' })
    const own = await club.finish(departure(consented), begun)
    const asked = { post_logout_redirect_uri: SIGNED_OUT_URI, state: 's' }
    const hint = { id_token_hint: own.id_token ?? '' }
    const ways = [
      () => person.visit(oidc.buildEndSessionUrl(club.configuration, { ...asked, ...hint })),
      () =>
        person.visit(
          oidc.buildEndSessionUrl(club.configuration, { ...asked, logout_hint: String(own.claims()?.['sid']) }),
        ),
      // As nobody's word.
      () => person.visit(new URL(`oidc/logout?logout_hint=${own.claims()?.['sid']}`, stage.issuer)),
      () => person.post(new URL('oidc/logout', stage.issuer), { ...asked, ...hint }),
      () => person.visit(oidc.buildEndSessionUrl(club.configuration, asked)),
      () => person.visit(v2Logout({ client_id: 'stranger', returnTo: SIGNED_OUT_URI })),
    ] as const
    for (const leave of ways) assert.match((await leave()).url.pathname, /^\/sign-out\//)
    await assertSignedIn(spa, person, tokens.access_token)

    assert.equal(departure(await person.submit(await ways[0]())).href, `${SIGNED_OUT_URI}?state=s`)
    await assertSignedOut(spa, person, tokens.access_token)
    for (const leave of ways) assert.equal((await leave()).url.pathname, '/signed-out')
  })

  test('ends what hangs on the session; an offline family lives on', async () => {
    const { person, spa, tokens } = await signedIn({ scope: 'openid offline_access' })
    await person.visit(v2Logout({ client_id: 'spa', returnTo: SIGNED_OUT_URI }))
    await assertSignedOut(spa, person, tokens.access_token)
    const next = await spa.refresh(tokens.refresh_token ?? '')
    assert.equal(await userinfoStatus(stage.issuer, next.access_token), 200)
  })

  test('a code given before and redeemed after is worth nothing', async () => {
    const { person, spa } = await signedIn()
    const { begun, callback } = await askSilently(spa, person, { scope: 'openid' })
    await person.visit(v2Logout({ client_id: 'spa', returnTo: SIGNED_OUT_URI }))
    await assert.rejects(spa.finish(callback, begun), { error: 'invalid_grant' })
  })

  test('a sign-out page of another browser, or a form of another site, signs nobody out', async () => {
    const { person, spa, tokens } = await signedIn()
    const page = await person.visit(v2Logout({ client_id: 'spa' }))
    const forged = await person.post(page.url, {}, 'https://evil.example')
    assert.equal(forged.status, 403)
    const attacker = stage.person()
    const elsewhere = await attacker.submit(page)
    assert.equal(elsewhere.status, 400)
    await assertSignedIn(spa, person, tokens.access_token)
  })

  /** Somebody signed in to an application that ends its part of the session in a frame, and to one that does not. */
  async function signedInFramed() {
    const person = stage.person()
    const framed = await stage.application('framed')
    const { tokens } = await signIn(framed, person, JO, { scope: 'openid' })
    const { begun, callback } = await askSilently(await stage.spa(), person, { scope: 'openid' })
    await (await stage.spa()).finish(callback, begun)
    return { person, framed, tokens, sid: String(tokens.claims()?.['sid']) }
  }
  const framesIn = ({ html }: Stop): string[] =>
    [...html.matchAll(/<iframe src="([^"]+)"/g)].map(([, src = '']) => src.replaceAll('&amp;', '&'))
  const goesOnTo = ({ html }: Stop): string | undefined =>
    /<meta http-equiv="refresh" content="5;url=([^"]+)">/.exec(html)?.[1]?.replaceAll('&amp;', '&')

  for (const [how, to, leave] of [
    [
      'a hint at /oidc/logout',
      `${SIGNED_OUT_URI}?state=as+it+was`,
      ({ person, framed, tokens }: Awaited<ReturnType<typeof signedInFramed>>) =>
        person.visit(
          oidc.buildEndSessionUrl(framed.configuration, {
            id_token_hint: tokens.id_token ?? '',
            post_logout_redirect_uri: SIGNED_OUT_URI,
            state: 'as it was',
          }),
        ),
    ],
    [
      'the question',
      '/signed-out',
      async ({ person }: Awaited<ReturnType<typeof signedInFramed>>) =>
        person.submit(await person.visit(new URL('oidc/logout', stage.issuer))),
    ],
    [
      '/v2/logout',
      SIGNED_OUT_URI,
      ({ person }: Awaited<ReturnType<typeof signedInFramed>>) =>
        person.visit(v2Logout({ client_id: 'spa', returnTo: SIGNED_OUT_URI })),
    ],
    [
      'the account’s page',
      '/signed-out',
      async ({ person, sid }: Awaited<ReturnType<typeof signedInFramed>>) => {
        const fields = { account: sid, session: sid }
        return person.post(new URL('account/sign-out', stage.issuer), fields, new URL(stage.issuer).origin)
      },
    ],
  ] as const)
    test(`by ${how} loads the address of each application that has one, and goes on`, async () => {
      const one = await signedInFramed()
      const page = await leave(one)
      assert.match(page.url.pathname, /^\/leaving\//)
      assert.deepEqual(framesIn(page), [`${FRAMED_AT}&${new URLSearchParams({ iss: stage.issuer, sid: one.sid })}`])
      assert.equal(goesOnTo(page), to)
      assert.ok(page.headers.get('content-security-policy')?.includes('; frame-src http://localhost:5999;'))
      await assertSignedOut(one.framed, one.person, one.tokens.access_token)
      assert.deepEqual(framesIn(await one.person.visit(page.url)), framesIn(page))
      assert.equal((await stage.person().visit(page.url)).status, 400)
    })

  test('of one of two accounts loads nothing for the other', async () => {
    const { person, framed, tokens, sid } = await signedInFramed()
    const other = await framed.begin({ scope: 'openid', prompt: 'login', login_hint: ANN.email })
    const second = await framed.finish(await person.signIn(other.url, ANN), other)
    assert.notEqual(second.claims()?.['sid'], sid)
    const page = await person.visit(
      oidc.buildEndSessionUrl(framed.configuration, { id_token_hint: tokens.id_token ?? '' }),
    )
    assert.deepEqual(
      framesIn(page).map(frame => new URL(frame).searchParams.get('sid')),
      [sid],
    )
  })
})
