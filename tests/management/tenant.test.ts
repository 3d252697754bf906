/** What holds for a whole tenant, managed through Auth0's own client: its settings, and protection against attacks. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Management, startManagement } from '../fixtures/management.ts'
import { lastEvent, personAt } from '../fixtures/management-person.ts'
import { ADMIN } from '../fixtures/server.ts'

describe('The settings of a tenant', () => {
  let management: Management
  before(async () => {
    const tenantFile = {
      tenant: { friendly_name: 'Video', picture_url: 'https://video.example/logo.png', unheard_of: { kept: true } },
      resourceServers: [{ identifier: 'https://video.example/api', name: 'Videos' }],
    }
    management = await startManagement({ tenantFile })
  })
  after(() => management?.close())

  test('are read as Auth0 has them, those of a file included, and a part of them where it is asked for', async () => {
    const settings = await management.client.tenants.settings.get()
    assert.equal(settings.friendly_name, 'Video')
    assert.equal(settings.session_lifetime, 168)
    assert.equal(settings.idle_session_lifetime, 72)
    assert.deepEqual(settings.enabled_locales, ['en', 'ko'])
    assert.equal(settings.flags?.enable_dynamic_client_registration, false)
    assert.deepEqual(Object(settings).unheard_of, { kept: true })
    assert.equal(Object(settings).attackProtection, undefined)
    const some = await management.client.tenants.settings.get({ fields: 'friendly_name,flags', include_fields: true })
    assert.deepEqual(Object.keys(some).sort(), ['flags', 'friendly_name'])
  })

  test('change one by one, flags too, and what was not spoken of stays', async () => {
    const { settings } = management.client.tenants
    await settings.update({ support_email: 'help@video.example', flags: { enable_sso: true } })
    await settings.update({
      session_lifetime_in_minutes: 90,
      idle_session_lifetime_in_minutes: 45,
      flags: { enable_dynamic_client_registration: true },
      sessions: { oidc_logout_prompt_enabled: false },
    })
    const now = await settings.get()
    assert.equal(now.friendly_name, 'Video')
    assert.equal(now.support_email, 'help@video.example')
    assert.deepEqual([now.session_lifetime, now.idle_session_lifetime], [1.5, 0.75])
    assert.deepEqual(now.flags, { enable_sso: true, enable_dynamic_client_registration: true })
    assert.deepEqual(now.sessions, { oidc_logout_prompt_enabled: false })
    // What is read may be sent back, as deployment tools do.
    const { body } = await management.call('PATCH', '/tenants/settings', now)
    assert.deepEqual(body, now)
    await settings.update({ session_cookie: { mode: 'non-persistent' } })
    await settings.update({ session_cookie: null })
    assert.deepEqual((await settings.get()).session_cookie, { mode: 'persistent' })
  })

  test('have their meaning from the next request on', async () => {
    const { settings } = management.client.tenants
    await settings.update({
      friendly_name: 'Films',
      enabled_locales: ['ko', 'fr'],
      session_cookie: { mode: 'non-persistent' },
    })
    const person = personAt(management)
    const account = `${management.server.issuer}account`
    const page = await person.visit(account)
    assert.match(page.html, /<html lang="ko">[\s\S]*Films/)
    assert.doesNotMatch(page.html, /hreflang=/)
    await person.submit(page, { username: ADMIN.email, password: ADMIN.password })
    // It is to be forgotten with the browser, which other cookies are not.
    assert.doesNotMatch(person.cookies.lineOf('__Host-latchkey.session') ?? '', /max-age/i)
    assert.match(person.cookies.lineOf('__Host-latchkey.browser') ?? '', /max-age/i)
    await settings.update({ friendly_name: 'Video', enabled_locales: ['en', 'ko'] })
    assert.match((await personAt(management).visit(account)).html, /<html lang="en">[\s\S]*hreflang="ko"/)
  })

  test('that are wrong are refused, by the member and the rule, and nothing is changed', async () => {
    const before = await management.client.tenants.settings.get()
    for (const [given, told] of [
      [{ session_lifetime: 0 }, /session_lifetime must be a number of hours above 0/],
      [{ session_lifetime_in_minutes: 1.5 }, /session_lifetime_in_minutes must be a whole number of minutes/],
      [{ session_lifetime: 1e300 }, /session_lifetime/],
      [{ friendly_name: 7 }, /friendly_name must be text/],
      [{ flags: { enable_dynamic_client_registration: 'yes' } }, /flags\.enable_dynamic_client_registration/],
      [{ allowed_logout_urls: ['javascript:alert(1)'] }, /allowed_logout_urls/],
      [{ picture_url: 'data:text/html,x' }, /picture_url must be a URL/],
      [{ default_audience: 'https://nowhere.example' }, /There is no API/],
      [{ default_directory: 'nowhere' }, /There is no connection/],
      [{ enabled_locales: ['<script>'] }, /enabled_locales/],
      [{ session_cookie: { mode: 'for ever' } }, /session_cookie\.mode/],
      [{ nonsense: true }, /There is no setting nonsense/],
      [{ attackProtection: {} }, /There is no setting attackProtection/],
      ['{"__proto__": {"friendly_name": "x"}}', /__proto__/],
      [{ friendly_name: 'x'.repeat(5000) }, /longer than 4096/],
      [[], /./],
    ] as const) {
      const { status, body } = await management.call('PATCH', '/tenants/settings', given)
      assert.equal(status, 400, JSON.stringify(given))
      assert.match(body.errorCode, /^invalid_/)
      assert.match(body.message, told)
    }
    assert.deepEqual(await management.client.tenants.settings.get(), before)
    assert.equal(
      (await management.call('PATCH', '/tenants/settings', { friendly_name: 'a\0b\ud800' })).status < 500,
      true,
    )
    await management.client.tenants.settings.update({ friendly_name: 'Video' })
  })

  test('are changed and read by whoever may, and each change is an event with what was before and after', async () => {
    const token = await management.tokenWith('read:tenant_settings')
    assert.equal((await management.call('GET', '/tenants/settings', undefined, { token })).status, 200)
    const refused = await management.call('PATCH', '/tenants/settings', {}, { token })
    assert.deepEqual([refused.status, refused.body.errorCode], [403, 'insufficient_scope'])
    await management.client.tenants.settings.update({ support_url: 'https://video.example/help' })
    const event = await lastEvent(management, 'tenant.changed')
    assert.deepEqual(event.details, { changes: { support_url: { before: '', after: 'https://video.example/help' } } })
    assert.equal(event.actor.kind, 'client')
    assert.ok(event.personal['address'])
  })
})

describe('Protection against attacks', () => {
  let management: Management
  before(async () => {
    management = await startManagement()
  })
  after(() => management?.close())

  test('begins with what is done, and a change of one part leaves the others', async () => {
    const { attackProtection } = management.client
    const force = await attackProtection.bruteForceProtection.get()
    assert.deepEqual(force, {
      enabled: true,
      shields: ['block', 'user_notification'],
      allowlist: [],
      mode: 'count_per_identifier_and_ip',
      max_attempts: 10,
    })
    await attackProtection.suspiciousIpThrottling.update({ stage: { 'pre-login': { max_attempts: 7, rate: 1000 } } })
    const throttling = await attackProtection.suspiciousIpThrottling.get()
    assert.deepEqual(throttling.stage, {
      'pre-login': { max_attempts: 7, rate: 1000 },
      'pre-user-registration': { max_attempts: 50, rate: 1200 },
    })
    assert.deepEqual(await attackProtection.bruteForceProtection.get(), force)
  })

  test('is what a wrong password meets from then on', async () => {
    const { attackProtection } = management.client
    await attackProtection.bruteForceProtection.update({ max_attempts: 1, shields: ['block'] })
    assert.deepEqual(await guess(3), ['wrong', 'held', 'held'])
    await attackProtection.bruteForceProtection.update({ enabled: false })
    assert.deepEqual(await guess(2), ['wrong', 'wrong'])
  })

  test('that nothing is done by is kept as it was given', async () => {
    const { attackProtection } = management.client
    assert.equal((await attackProtection.breachedPasswordDetection.get()).enabled, false)
    await attackProtection.breachedPasswordDetection.update({ enabled: true, method: 'standard', shields: ['block'] })
    const kept = await attackProtection.breachedPasswordDetection.get()
    assert.deepEqual([kept.enabled, kept.shields], [true, ['block']])
    await attackProtection.botDetection.update({ bot_detection_level: 'high', allowlist: ['192.0.2.0/24'] })
    assert.equal((await attackProtection.botDetection.get()).bot_detection_level, 'high')
    const captcha = await management.call('GET', '/attack-protection/captcha')
    assert.equal(captcha.status, 403)
    assert.match(captcha.body.message, /^Insufficient scope/)
  })

  test('that is wrong is refused', async () => {
    for (const [part, given, told] of [
      ['brute-force-protection', { max_attempts: 0 }, /max_attempts must be a whole number above 0/],
      ['brute-force-protection', { mode: 'sometimes' }, /mode/],
      ['brute-force-protection', { allowlist: ['everybody'] }, /neither an IP address/],
      ['brute-force-protection', { max_attempt: 3 }, /There is no such member/],
      ['suspicious-ip-throttling', { stage: { 'pre-login': { rate: 'x' } } }, /rate/],
      ['bot-detection', { bot_detection_level: 'utmost' }, /bot_detection_level/],
    ] as const) {
      const { status, body } = await management.call('PATCH', `/attack-protection/${part}`, given)
      assert.equal(status, 400, JSON.stringify(body))
      assert.match(body.message, told)
    }
  })

  let guessed = 0
  /** Tries of one account that is not there, each after the other, from here. */
  async function guess(times: number): Promise<string[]> {
    const person = personAt(management)
    const page = await person.visit(`${management.server.issuer}account`)
    guessed += 1
    const account = { username: `nobody-${guessed}@example.com`, password: 'not the password' }
    const seen: string[] = []
    for (let time = 0; time < times; time++) {
      const { status } = await person.submit(page, account)
      seen.push(status === 429 ? 'held' : 'wrong')
    }
    return seen
  }
})
