import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { LEAST_POLICY } from '../policy/password-rule.js'
import { createPages, type Frame, pageHeaders } from './pages.ts'

const folder = (name: string) => fileURLToPath(new URL(`../login/${name}`, import.meta.url))
const pages = createPages({ templates: folder('pages'), assets: folder('assets') })

const nonce = 'n'.repeat(43)
const frame: Frame = { language: 'en', nonce, brand: { name: '24-Hour Video' }, languageLinks: [] }
const signIn = { action: '/login/1', application: '24-Hour Video', email: '' }

const HOSTILE = `</title></bdi><script>alert(1)</script>" autofocus onfocus='x' {{ nonce }}`

test('an application name is text wherever it stands, whatever it contains', async () => {
  const brand = { name: HOSTILE, logoUrl: HOSTILE }
  const language = { language: 'en', name: HOSTILE, href: HOSTILE, current: false } as const
  const hostile: Frame = { ...frame, brand, languageLinks: [language], links: { privacy: HOSTILE, terms: HOSTILE } }
  const everywhere = await Promise.all([
    pages.render('sign-in', { action: HOSTILE, application: HOSTILE, email: HOSTILE, signUpUrl: HOSTILE }, hostile),
    pages.render(
      'sign-up',
      { action: HOSTILE, application: HOSTILE, email: HOSTILE, policy: LEAST_POLICY, signInUrl: HOSTILE },
      hostile,
    ),
    pages.render(
      'sign-out',
      { action: HOSTILE, application: 'x', fields: [{ name: HOSTILE, value: HOSTILE }], cancelUrl: HOSTILE },
      hostile,
    ),
    pages.render(
      'consent',
      {
        action: HOSTILE,
        application: HOSTILE,
        person: { name: HOSTILE, email: HOSTILE, pictureUrl: HOSTILE },
        asks: [{ api: HOSTILE, scopes: [null, HOSTILE].map(description => ({ value: HOSTILE, description })) }],
        shown: HOSTILE,
        anotherAccountUrl: HOSTILE,
      },
      hostile,
    ),
    pages.render(
      'choose-account',
      {
        action: HOSTILE,
        application: HOSTILE,
        accounts: [{ session: HOSTILE, person: { name: HOSTILE, email: HOSTILE, pictureUrl: HOSTILE } }],
        anotherUrl: HOSTILE,
      },
      hostile,
    ),
    pages.render(
      'account',
      {
        person: { name: HOSTILE, email: HOSTILE, pictureUrl: HOSTILE },
        isUnconfirmed: true,
        acting: HOSTILE,
        now: 1,
        sessions: [{ id: HOSTILE, userAgent: HOSTILE, startedAt: 0, usedAt: 0 }],
        applications: [
          {
            client: HOSTILE,
            name: HOSTILE,
            asks: [{ api: HOSTILE, scopes: [{ value: HOSTILE, description: HOSTILE }] }],
            usedOfflineAt: 0,
          },
        ],
        chooseUrl: HOSTILE,
      },
      hostile,
    ),
    pages.render('signed-out', { application: HOSTILE, returnUrl: HOSTILE }, hostile),
    pages.render('error', { code: 'unexpected', detail: HOSTILE, requestId: HOSTILE }, hostile),
  ])
  for (const html of everywhere) {
    assert.ok(html.includes('&lt;/title&gt;&lt;/bdi&gt;&lt;script&gt;alert(1)&lt;/script&gt;'))
    assert.doesNotMatch(html, /<script>|onfocus='/)
    assert.equal(html.match(/<\/title>/g)?.length, 1)
    assert.ok(!html.includes(nonce), 'a template in a name must not be run')
  }
})

test('a name cannot close its own isolation', async () => {
  const html = await pages.render('sign-in', { ...signIn, application: 'A\u2069B' }, frame)
  assert.ok(html.includes('to go on to <bdi>A B</bdi>'))
})

test('an address that was typed comes back, a password never has a value', async () => {
  const html = await pages.render(
    'sign-in',
    { ...signIn, email: 'a"b@example.com', problem: 'wrong_credentials' },
    frame,
  )
  assert.match(html, /name="username"[^>]* value="a&quot;b@example\.com"/)
  assert.doesNotMatch(/<input id="password"[^>]*>/.exec(html)?.[0] ?? 'value', /value/)
})

test('a problem is tied to each field it is about, and focus is on the one to correct', async () => {
  const wrong = await pages.render('sign-in', { ...signIn, email: 'a@b.example', problem: 'wrong_credentials' }, frame)
  for (const field of ['username', 'password']) {
    assert.match(wrong, new RegExp(`id="${field}"[^>]* aria-describedby="problem" aria-invalid="true"`))
  }
  assert.match(wrong, /id="password"[^>]* autofocus/)
  assert.equal(wrong.match(/ autofocus/g)?.length, 1)

  const signUp = { action: '/', application: 'A', email: 'a@b.example', policy: LEAST_POLICY, signInUrl: '/' }
  const short = await pages.render('sign-up', { ...signUp, problem: 'password_too_short' }, frame)
  assert.match(short, /id="password"[^>]* aria-describedby="problem password-hint" aria-invalid="true" autofocus/)
  assert.doesNotMatch(short, /id="email"[^>]* aria-invalid/)

  const busy = await pages.render('sign-up', { ...signUp, problem: 'busy' }, frame)
  assert.match(busy, /role="alert"/)
  assert.doesNotMatch(busy, /aria-invalid/)
})

test('a page without a problem or a way to sign up has nothing dead on it', async () => {
  const html = await pages.render('sign-in', signIn, frame)
  assert.doesNotMatch(html, /role="alert"|class="foot"|<nav|href=""|null|undefined/)
})

test('a blocked account marks no field as wrong, for the password was right', async () => {
  const html = await pages.render('sign-in', { ...signIn, email: 'a@b.example', problem: 'blocked' }, frame)
  assert.match(html, /role="alert"><strong>This account is blocked\.<\/strong> /)
  assert.doesNotMatch(html, /aria-invalid/)
})

test('refusing comes before allowing, and nothing on the consent page holds the focus', async () => {
  const person = { name: 'Ann Example', email: null }
  const html = await pages.render(
    'consent',
    { action: '/', shown: 'x', application: 'A', person, asks: [], anotherAccountUrl: '/another' },
    frame,
  )
  assert.deepEqual(
    [...html.matchAll(/<button[^>]* type="submit"[^>]* value="(\w+)"/g)].map(match => match[1]),
    ['refuse', 'allow'],
  )
  assert.doesNotMatch(html, /autofocus|<img|null/)
})

test('a page is in the language of its frame', async () => {
  const html = await pages.render(
    'error',
    { code: 'start_again', detail: 'd', requestId: 'r' },
    { ...frame, language: 'ko' },
  )
  assert.match(html, /<html lang="ko">/)
  assert.match(html, /<h1>처음부터 다시 해 주세요<\/h1>/)
})

test('the style of an accent carries the nonce; without an accent there is no inline style at all', async () => {
  const accent = { light: '#ffd400', dark: '#ffd400' }
  const branded = await pages.render('sign-in', signIn, { ...frame, brand: { name: 'A', accent } })
  assert.ok(branded.includes(`<style nonce="${nonce}">@media (prefers-color-scheme:light){:root{--accent:#ffd400;`))
  assert.doesNotMatch(await pages.render('sign-in', signIn, frame), /<style|style=/)
})

test('every file a page names is served, under a name that changes with its bytes', async () => {
  const html = await pages.render('sign-in', signIn, frame)
  const names = [...html.matchAll(/"\/assets\/([^"]+)"/g)].map(match => match[1] ?? '')
  assert.deepEqual(names.map(name => name.replace(/\.[\w-]{16}\./, '.')).sort(), [
    'icon.svg',
    'latchkey.css',
    'page.js',
  ])
  for (const name of names) {
    const asset = pages.asset(name)
    assert.ok(asset && asset.body.length > 0, name)
    assert.ok(name.includes(asset.etag.slice(1, -1)))
    assert.match(asset.cacheControl, /immutable/)
  }
})

test('no other name is a file, whatever path it spells', () => {
  const names = ['', '.', '..', 'latchkey.css', 'page.js', '../pages/layout.liquid', '..%2fpages.ts', '/etc/passwd']
  for (const name of [...names, 'latchkey.AAAAAAAAAAAAAAAA.css', 'constructor', '__proto__', 'page.js\0']) {
    assert.equal(pages.asset(name), undefined, name)
  }
})

const formAction = (formTargets: string[]) =>
  /form-action ([^;]+);/.exec(pageHeaders({ nonce, formTargets })['content-security-policy'] ?? '')?.[1]

for (const [targets, sources] of [
  [[], "'self'"],
  [['https://app.example:8443/callback?x=1'], "'self' https:"],
  [['https://a.example/1', 'https://b.example/2'], "'self' https:"],
  [['com.example.app:/callback', 'myapp://callback'], "'self' com.example.app: myapp:"],
  [['http://[::1]:4711/cb'], "'self' http:"],
  [['https://a;script-src.example/', 'not a url', ''], "'self' https:"],
] as const) {
  test(`a form that may lead to ${JSON.stringify(targets)} has form-action ${sources}`, () => {
    assert.equal(formAction([...targets]), sources)
  })
}

test('a nonce that could leave its quotes is refused', () => {
  for (const bad of ['', 'short', `${nonce}'`, `${nonce}; script-src *`, `${nonce}\r\n`]) {
    assert.throws(() => pageHeaders({ nonce: bad, formTargets: [] }), TypeError)
  }
})

test('pages are framed by nobody, kept by no cache, and tell no other site where they were', () => {
  const headers = pageHeaders({ nonce, formTargets: [] })
  assert.match(headers['content-security-policy'] ?? '', /^default-src 'none';.*; frame-ancestors 'none'$/)
  assert.equal(headers['cache-control'], 'no-store')
  assert.equal(headers['referrer-policy'], 'same-origin')
  assert.equal(headers['x-content-type-options'], 'nosniff')
  assert.ok(!('cross-origin-opener-policy' in headers))
})
