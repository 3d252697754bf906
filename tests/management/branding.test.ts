/** How a tenant's pages look and what they say, managed with Auth0's own client, and seen on the pages. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the variables of Auth0's texts are written so.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { contrast } from '../../server/http/accent.ts'
import { type Management, startManagement } from '../fixtures/management.ts'
import { lastEvent, personAt } from '../fixtures/management-person.ts'
import { THEME } from '../fixtures/theme.ts'

const SUN = {
  ...THEME,
  colors: { ...THEME.colors, primary_button: '#ffe14d' },
  displayName: 'Sun',
  widget: { ...THEME.widget, logo_url: 'https://video.example/sun.png' },
} as const

describe('The pages of a tenant', () => {
  let management: Management
  before(async () => {
    const tenantFile = {
      branding: {
        colors: { primary: '#0f6b4f', page_background: '#ffffff' },
        logo_url: 'https://video.example/logo.png',
      },
    }
    management = await startManagement({ tenantFile })
  })
  after(() => management?.close())

  const page = async (path = 'account', language = 'en'): Promise<string> =>
    (await personAt(management, { 'accept-language': language }).visit(management.server.issuer + path)).html

  const accentOf = (html: string) => /--accent:(#[0-9a-f]{6});--on-accent:(#[0-9a-f]{6})/.exec(html)?.slice(1) ?? []

  test('look as a tenant file says, then as the API does, and a change leaves what it does not speak of', async () => {
    const { branding } = management.client
    assert.equal((await branding.get()).colors?.primary, '#0f6b4f')
    assert.deepEqual(accentOf(await page()), ['#0f6b4f', '#ffffff'])
    await branding.update({ colors: { primary: '#8a2be2' }, favicon_url: 'https://video.example/icon.png' })
    assert.deepEqual(await branding.get(), {
      colors: { primary: '#8a2be2', page_background: '#ffffff' },
      logo_url: 'https://video.example/logo.png',
      favicon_url: 'https://video.example/icon.png',
    })
    const html = await page()
    assert.deepEqual(accentOf(html), ['#8a2be2', '#ffffff'])
    assert.match(html, /<link rel="icon" href="https:\/\/video\.example\/icon\.png"/)
    assert.match(html, /<img src="https:\/\/video\.example\/logo\.png"/)
    await branding.update({ favicon_url: null })
    assert.doesNotMatch(await page(), /icon\.png/)
    assert.ok((await lastEvent(management, 'branding.changed')).details['changes'])
  })

  test('take the colour and the logo of the theme before the branding’s, and keep what stands on it legible', async () => {
    const { themes } = management.client.branding
    await assert.rejects(themes.getDefault(), { statusCode: 404 })
    const made = await themes.create(SUN)
    assert.deepEqual({ ...made, themeId: undefined }, { ...SUN, themeId: undefined })
    await assert.rejects(themes.create(SUN), { statusCode: 409 })
    const html = await page()
    const [accent = '', onAccent = ''] = accentOf(html)
    assert.equal(accent, '#ffe14d')
    // White, as the theme has it, could not be read.
    assert.ok(contrast(accent, onAccent) >= 4.5)
    assert.match(html, /<img src="https:\/\/video\.example\/sun\.png"/)
    assert.deepEqual(await themes.getDefault(), made)
    const changed = await themes.update(made.themeId, { ...SUN, displayName: 'Moon' })
    assert.deepEqual([changed.displayName, changed.themeId], ['Moon', made.themeId])
    assert.deepEqual(await themes.get(made.themeId), changed)
    await assert.rejects(themes.get('0123456789abcdef01234567'), { statusCode: 404 })
    await themes.delete(made.themeId)
    assert.deepEqual(accentOf(await page()), ['#8a2be2', '#ffffff'])
  })

  test('take no look that would be run, fetched from a script, or put into the style sheet', async () => {
    for (const [path, given] of [
      ['/branding', { colors: { primary: 'red;}body{display:none' } }],
      ['/branding', { colors: { primary: '#fff' } }],
      ['/branding', { logo_url: 'javascript:alert(1)' }],
      ['/branding', { logo_url: 'data:image/svg+xml,<svg onload=alert(1)>' }],
      ['/branding', { favicon_url: 'https://user:password@video.example/' }],
      ['/branding', { font: { url: 'file:///etc/passwd' } }],
      ['/branding', { nonsense: 1 }],
    ] as const) {
      const { status } = await management.call('PATCH', path, given)
      assert.equal(status, 400, JSON.stringify(given))
    }
    const bad = { ...SUN, colors: { ...SUN.colors, primary_button: '</style><script>' } }
    assert.equal((await management.call('POST', '/branding/themes', bad)).status, 400)
    assert.equal((await management.call('POST', '/branding/themes', { ...SUN, widget: undefined })).status, 400)
    for (const path of ['/branding/templates/universal-login', '/branding/phone/providers', '/prompts/rendering']) {
      const { status, body } = await management.call('GET', path)
      assert.deepEqual([status, body.errorCode], [403, 'insufficient_scope'])
    }
  })

  test('say what the tenant has them say, in each language, escaped, and nothing of it elsewhere', async () => {
    const { customText } = management.client.prompts
    assert.deepEqual(await customText.get('login', 'en'), {})
    const texts = {
      login: {
        title: 'Welcome <b>back</b>',
        description: 'Log in to ${companyName} for ${clientName}',
        buttonText: 'Let me in',
        pageTitle: 'Enter | ${companyName}',
        nobodyKnowsThis: 'kept',
      },
    }
    await customText.set('login', 'en', texts)
    assert.deepEqual(await customText.get('login', 'en'), texts)
    await customText.set('signup', 'ko', { signup: { title: '반가워요' } })
    const html = await page()
    assert.match(html, /<h1>Welcome &lt;b&gt;back&lt;\/b&gt;<\/h1>/)
    assert.match(html, /<title>Enter \| [^·<]+<\/title>/)
    assert.match(html, />Let me in<\/button>/)
    assert.match(html, /Log in to .* for <bdi>/)
    assert.doesNotMatch(await page('account', 'ko'), /Welcome|Let me in/)
    assert.doesNotMatch(await page('forgot-password'), /Let me in/)
    await customText.set('login', 'en', {})
    assert.match(await page(), /<h1>Sign in<\/h1>/)
    assert.equal((await lastEvent(management, 'prompt.changed')).target?.id, 'login/en')
  })

  test('are not told what they cannot be', async () => {
    for (const [path, given, told] of [
      ['/prompts/nonsense/custom-text/en', {}, /on property prompt/],
      ['/prompts/login/custom-text/..%2F..', {}, /on property language/],
      ['/prompts/login/custom-text/en', { login: { title: 7 } }, /must be text/],
      ['/prompts/login/custom-text/en', { login: 'title' }, /must be an object/],
      ['/prompts/login/custom-text/en', { login: { title: 'x'.repeat(5000) } }, /at most 4096/],
      [
        '/prompts/login/custom-text/en',
        Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`s${n}`, {}])),
        /more than 50/,
      ],
    ] as const) {
      const { status, body } = await management.call('PUT', path, given)
      assert.equal(status, 400, path)
      assert.match(body.message, told)
    }
    assert.deepEqual(await management.client.prompts.partials.get('login'), {})
    await management.client.prompts.partials.set('login', {})
    const markup = { login: { 'form-content-start': '<script src="https://evil.example/"></script>' } }
    const { status, body } = await management.call('PUT', '/prompts/login/partials', markup)
    assert.equal(status, 403)
    assert.match(body.message, /^Insufficient scope/)
  })

  test('have settings of Auth0’s that are kept', async () => {
    const { prompts } = management.client
    const first = { universal_login_experience: 'new', identifier_first: false, webauthn_platform_first_factor: false }
    assert.deepEqual(await prompts.getSettings(), first)
    await prompts.updateSettings({ identifier_first: true })
    assert.deepEqual(await prompts.getSettings(), { ...first, identifier_first: true })
    assert.equal((await management.call('PATCH', '/prompts', { universal_login_experience: 'old' })).status, 400)
  })
})
