/** `response_mode=form_post`: the answer comes as a form, so that no URL, log or history holds it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as oidc from 'openid-client'
import { readForms } from '../fixtures/html-form.ts'
import type { Stop } from '../fixtures/person.ts'
import { askSilently, onEachStage } from './stage.ts'
import { JO, REDIRECT_URI } from './tenant.ts'

const MODE = { response_mode: 'form_post' }

/** What the browser would post to the application, as the application receives it. */
function posted(page: Stop): Request {
  const [form] = readForms(page.html)
  assert.equal(form?.action, REDIRECT_URI)
  return new Request(form.action, { method: 'POST', body: new URLSearchParams(form.fields) })
}

onEachStage('An answer as a form', stage => {
  async function signedIn() {
    const person = stage.person()
    const web = await stage.web()
    const begun = await web.begin(MODE)
    const page = await person.submit(await person.visit(begun.url), { username: JO.email, password: JO.password })
    return { person, web, begun, page }
  }

  test('brings a code that openid-client redeems, and nothing of it stands in a URL', async () => {
    const { web, begun, page } = await signedIn()
    assert.deepEqual([page.status, page.left], [200, false])
    assert.doesNotMatch(page.url.href, /code=/)
    const tokens = await oidc.authorizationCodeGrant(web.configuration, posted(page), begun.checks)
    assert.ok(tokens.access_token)
  })

  test('sends itself by a script that the policy names, has a button without scripts, and is kept by nobody', async () => {
    const { page } = await signedIn()
    const policy = page.headers.get('content-security-policy') ?? ''
    const [, nonce] = /script-src [^;]*'nonce-([^']+)'/.exec(policy) ?? []
    assert.ok(nonce && page.html.includes(`<script nonce="${nonce}">`))
    assert.match(policy, /form-action 'self' http:;/)
    assert.match(page.html, /<noscript><button type="submit">/)
    assert.equal(page.headers.get('cache-control'), 'no-store')
  })

  test('tells an error in the same way', async () => {
    const { begun, callback } = await askSilently(await stage.web(), stage.person(), MODE)
    assert.equal(callback.searchParams.get('error'), null, 'and not in the query')
    const fields = new URLSearchParams(await posted(await stage.person().visit(begun.url)).text())
    assert.equal(fields.get('error'), 'login_required')
    assert.equal(fields.get('state'), begun.checks.expectedState)
    assert.equal(fields.get('iss'), stage.issuer)
  })

  test('tells a missing response_type in the same way', async () => {
    const begun = await (await stage.web()).begin(MODE)
    begun.url.searchParams.delete('response_type')
    const fields = new URLSearchParams(await posted(await stage.person().visit(begun.url)).text())
    assert.equal(fields.get('error'), 'invalid_request')
  })

  test('holds whatever was sent as state, as text and as nothing else', async () => {
    const state = `"><script>alert(1)</script>'&amp;ü\u0000`
    const begun = await (await stage.web()).begin({ ...MODE, prompt: 'none', state })
    const page = await stage.person().visit(begun.url)
    assert.ok(!page.html.includes('<script>alert'))
    assert.equal(readForms(page.html)[0]?.fields['state'], state)
  })

  test('speaks the language that was asked for', async () => {
    const begun = await (await stage.web()).begin({ ...MODE, prompt: 'none', ui_locales: 'ko' })
    assert.match((await stage.person().visit(begun.url)).html, /<html lang="ko">.*계속/)
  })
})
