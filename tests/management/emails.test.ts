/** Mail as a tenant has it: sent through its own server, in its own words, managed with Auth0's own client. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { HOUR, SECOND } from '../../server/kernel/seconds.ts'
import { dump } from '../fixtures/dump.ts'
import { openMailbox, readMail } from '../fixtures/mailbox.ts'
import { type Management, startManagement } from '../fixtures/management.ts'
import { lastEvent, personAt } from '../fixtures/management-person.ts'
import { ADMIN } from '../fixtures/server.ts'
import { SINK_LOGIN, type SmtpSink, startSmtpSink } from '../fixtures/smtp-sink.ts'
import { createTestClock } from '../fixtures/test-clock.ts'

describe('A tenant’s mail', () => {
  let management: Management
  let sink: SmtpSink
  const clock = createTestClock()
  before(async () => {
    sink = await startSmtpSink({ server: { disabledCommands: ['STARTTLS'], allowInsecureAuth: true } })
    management = await startManagement({ clock: clock.now, environment: { LATCHKEY_EGRESS_ALLOW: '127.0.0.1' } })
  })
  after(async () => {
    await management?.close()
    await sink?.close()
  })

  const smtp = (more: object = {}) => ({
    smtp_host: '127.0.0.1',
    smtp_port: sink.port,
    smtp_user: SINK_LOGIN.user,
    smtp_pass: SINK_LOGIN.password,
    ...more,
  })

  /** Asks for a new password, and waits for the mail that says so. */
  async function askForPassword(): Promise<void> {
    // Few may be asked for within an hour.
    clock.advance(HOUR)
    const person = personAt(management, { 'accept-language': 'en' })
    const page = await person.visit(`${management.server.issuer}forgot-password`)
    await person.submit(page, { email: ADMIN.email })
  }

  async function nextMail(count: number) {
    for (let wait = 0; wait < 500 && sink.mails.length < count; wait++) await pause(20)
    const mail = sink.mails[count - 1] ?? assert.fail('no mail came')
    return { ...mail, parsed: readMail(mail.source) }
  }

  test('goes the server’s way until it has a provider', async () => {
    await assert.rejects(management.client.emails.provider.get(), { statusCode: 404 })
    assert.equal((await management.call('PATCH', '/emails/provider', { enabled: false })).status, 404)
    assert.equal((await management.call('DELETE', '/emails/provider')).status, 404)
    await askForPassword()
    const mail = await openMailbox(management.server.latchkey).next(ADMIN.email)
    assert.match(mail.from, /no-reply@localhost/)
  })

  test('goes through its own mail server once it has one, from its own address', async () => {
    const { provider } = management.client.emails
    const made = await provider.create({
      name: 'smtp',
      default_from_address: 'hello@video.example',
      credentials: smtp(),
    })
    assert.deepEqual(made, {
      name: 'smtp',
      enabled: true,
      default_from_address: 'hello@video.example',
      credentials: { smtp_host: '127.0.0.1', smtp_port: sink.port, smtp_user: SINK_LOGIN.user },
    })
    assert.deepEqual(await provider.get(), made)
    assert.deepEqual(await provider.get({ fields: 'name', include_fields: true }), { name: 'smtp' })
    await assert.rejects(provider.create({ name: 'smtp', credentials: smtp() }), { statusCode: 409 })
    await askForPassword()
    const { from, to, parsed } = await nextMail(1)
    assert.deepEqual([from, to], ['hello@video.example', [ADMIN.email]])
    assert.match(parsed.from, /<hello@video\.example>$/)
    assert.match(parsed.text, /reset-password\//)
    assert.deepEqual(sink.logins.at(-1), SINK_LOGIN)
  })

  test('keeps the password of its server to itself: in answers, in the log, in the database', async () => {
    const { body } = await management.call('GET', '/emails/provider')
    const created = await lastEvent(management, 'email-provider.created')
    for (const told of [JSON.stringify(body), JSON.stringify(created), await dump(management.server.environment)])
      assert.ok(!told.includes(SINK_LOGIN.password) && !told.includes(JSON.stringify(SINK_LOGIN.password).slice(1, -1)))
  })

  test('has its password sent nowhere else by somebody who does not know it', async () => {
    const { smtp_pass: _unknown, ...known } = smtp()
    const { status } = await management.call('PATCH', '/emails/provider', { credentials: known })
    assert.equal(status, 200)
    for (const elsewhere of [{ smtp_host: 'mail.evil.example' }, { smtp_port: 26 }, { smtp_user: 'somebody' }]) {
      const { status, body } = await management.call('PATCH', '/emails/provider', {
        credentials: { ...known, ...elsewhere },
      })
      assert.equal(status, 400)
      assert.match(body.message, /smtp_pass must be given with another/)
    }
    await askForPassword()
    await nextMail(2)
    const changed = await lastEvent(management, 'email-provider.changed')
    assert.deepEqual(changed.details, { changes: { credentials: 'changed' } })
  })

  test('that no provider of ours can send is refused, and kept where it is not enabled', async () => {
    for (const [provider, told] of [
      [
        { name: 'ms365', credentials: { tenantId: 'a', clientId: 'b', clientSecret: 'c' } },
        /cannot send through ms365/,
      ],
      [{ name: 'sendgrid', credentials: {} }, /credentials lack api_key/],
      [{ name: 'smtp', credentials: { smtp_host: 'x', smtp_user: 'only' } }, /smtp_pass must be given/],
      [{ name: 'smtp', credentials: smtp({ smtp_host: 'host:25' }) }, /smtp_host must be the name or the address/],
      [{ name: 'smtp', credentials: smtp({ smtp_host: 'a.example/\r\nX' }) }, /smtp_host/],
      [{ name: 'ses', credentials: { accessKeyId: 'a', secretAccessKey: 'b', region: 'evil.example/' } }, /region/],
      [{ name: 'smtp', credentials: smtp({ what: 1 }) }, /no such member/],
      [{ default_from_address: 'A <a@b.example>\r\nBcc: c@d.example' }, /default_from_address/],
      [{ name: 'pigeon', credentials: {} }, /name must be one of/],
    ] as const) {
      const { status, body } = await management.call('PATCH', '/emails/provider', provider)
      assert.equal(status, 400, JSON.stringify(body))
      assert.match(body.message, told)
    }
    const kept = {
      name: 'ms365',
      enabled: false,
      credentials: { tenantId: 'a', clientId: 'b', clientSecret: 'hidden' },
    }
    const { status, body } = await management.call('PATCH', '/emails/provider', kept)
    assert.deepEqual([status, body.name, body.enabled, body.credentials], [200, 'ms365', false, {}])
  })

  test('goes the server’s way again when its provider is off or gone', async () => {
    await askForPassword()
    const mailbox = openMailbox(management.server.latchkey)
    assert.equal((await mailbox.all(ADMIN.email)).length, 2)
    await management.client.emails.provider.delete()
    await lastEvent(management, 'email-provider.removed')
    assert.equal(sink.mails.length, 2)
  })

  describe('in its own words', () => {
    const TEMPLATE = {
      template: 'reset_email',
      enabled: true,
      syntax: 'liquid',
      from: '{{ application.name }} at {{ friendly_name }} <letters@video.example>',
      subject: 'A password for {{ user.email }}{% if request_language == "en" %}, in English{% endif %}',
      body: '<h1>Hello {{ user.email }}</h1><p>{{ user.user_metadata.hobby | default: "no hobby" }}</p><p><a href="{{ url }}">Choose</a> at {{ tenant }}</p>',
    } as const
    before(() => management.client.emails.provider.create({ name: 'smtp', credentials: smtp() }))

    test('is kept under Auth0’s names, and there is none until somebody writes one', async () => {
      const { emailTemplates } = management.client
      await assert.rejects(emailTemplates.get('reset_email'), { statusCode: 404 })
      assert.equal((await management.call('PATCH', '/email-templates/reset_email', { enabled: true })).status, 404)
      assert.deepEqual(await emailTemplates.create(TEMPLATE), TEMPLATE)
      await assert.rejects(emailTemplates.create(TEMPLATE), { statusCode: 409 })
      assert.deepEqual(await emailTemplates.get('reset_email'), TEMPLATE)
      await emailTemplates.update('reset_email', { enabled: false })
      assert.deepEqual(await emailTemplates.get('reset_email'), { ...TEMPLATE, enabled: false })
      assert.deepEqual(await emailTemplates.set('reset_email', TEMPLATE), TEMPLATE)
      const welcome = await emailTemplates.set('welcome_email', { ...TEMPLATE, template: 'welcome_email', body: 'Hi' })
      assert.equal(welcome.body, 'Hi')
      assert.equal((await management.call('GET', '/email-templates/nonsense')).status, 400)
    })

    test('is written to the person, escaped, with their own link', async () => {
      await management.client.tenants.settings.update({ friendly_name: 'Vi"deo <b>' })
      const already = sink.mails.length
      await askForPassword()
      const { from, source, parsed } = await nextMail(already + 1)
      assert.equal(from, 'letters@video.example')
      assert.equal(parsed.subject, `A password for ${ADMIN.email}, in English`)
      assert.match(parsed.from, /at Vi"?.*<letters@video\.example>$/)
      assert.match(parsed.html, /<h1>Hello admin@example\.com<\/h1><p>no hobby<\/p><p><a href="https:\/\/localhost/)
      assert.match(
        parsed.text,
        /Hello admin@example\.com\s+no hobby\s+Choose:\nhttps:\/\/localhost\S+reset-password\/\S+/,
      )
      assert.doesNotMatch(source, /^bcc:/im)
    })

    test('is tried out before it is kept, and a template that would not do is refused with its line', async () => {
      for (const [change, told] of [
        [{ body: 'a\n\n{% if user %}{{ url }}' }, /body, line 3: .*not closed/],
        [{ body: '{{ url }}\n{{ user.name | raw }}' }, /body, line 2: undefined filter: raw/],
        [{ body: "{{ url }}{% include 'mail' %}" }, /tag "include" not found/],
        [{ body: "{{ url }}{% render '../../etc/passwd' %}" }, /tag "render" not found/],
        [{ body: "{{ url }}{% layout 'layout' %}" }, /tag "layout" not found/],
        [{ body: 'Hello, and goodbye.' }, /does not hold \{\{ url \}\}/],
        [{ body: '{{ url }}{% for i in (1..900000000) %}x{% endfor %}' }, /memory/],
        [
          {
            body: '{{ url }}{% for i in (1..9000) %}{% for j in (1..9000) %}{% for k in (1..9000) %}{% endfor %}{% endfor %}{% endfor %}',
          },
          /limit exceeded/,
        ],
        [{ body: `{{ url }}${'x'.repeat(300_000)}` }, /longer than 256 KiB/],
        [{ from: 'Eve <eve@evil.example>, <more@evil.example>' }, /from must be an e-mail address/],
        [{ from: 'Eve\r\nBcc: everybody@example.com <eve@evil.example>' }, /from must be/],
        [{ subject: '{{ nothing | nonsense }}' }, /subject, line 1: undefined filter/],
        [{ syntax: 'handlebars' }, /syntax must be one of liquid/],
        [{ urlLifetimeInSeconds: 1e12 }, /urlLifetimeInSeconds/],
        [{ template: 'verify_email' }, /another one’s name/],
      ] as const) {
        const { status, body } = await management.call('PATCH', '/email-templates/reset_email', change)
        assert.equal(status, 400, JSON.stringify(change).slice(0, 100))
        assert.match(body.message, told)
      }
      assert.deepEqual(await management.client.emailTemplates.get('reset_email'), TEMPLATE)
    })

    test('sees its variables and nothing else, and puts nothing into a header', async () => {
      const body = `{{ url }}|{{ constructor }}{{ user.constructor }}{{ user.__proto__ }}{{ process.env }}{{ this }}{{ settings }}|{{ organization.name }}|`
      const subject = 'One\r\nBcc: everybody@example.com {{ user.constructor }}'
      await management.client.emailTemplates.update('reset_email', { body, subject })
      const already = sink.mails.length
      await askForPassword()
      const { source, to, parsed } = await nextMail(already + 1)
      assert.match(parsed.html, /\|\|\|\s*$/)
      assert.deepEqual(to, [ADMIN.email])
      assert.doesNotMatch(source, /^bcc:/im)
      assert.equal(parsed.subject, 'One Bcc: everybody@example.com')
    })

    test('decides for how long its link is good', async () => {
      await management.client.emailTemplates.set('reset_email', { ...TEMPLATE, urlLifetimeInSeconds: 2 })
      const already = sink.mails.length
      await askForPassword()
      const { parsed } = await nextMail(already + 1)
      const [link = ''] = /https:\/\/\S+reset-password\/[^"\s]+/.exec(parsed.text) ?? []
      clock.advance(3 * SECOND)
      assert.equal((await personAt(management).visit(link)).status, 410)
    })

    test('welcomes whoever has confirmed the address of a new account, once, where the tenant wants that', async () => {
      const { users, emailTemplates } = management.client
      const confirm = async (email: string) => {
        clock.advance(HOUR)
        const already = sink.mails.length
        const password = 'a boat on dry land'
        const made = { connection: 'Username-Password-Authentication', email, password, verify_email: true }
        const { user_id } = await users.create(made)
        const { parsed } = await nextMail(already + 1)
        const person = personAt(management)
        const [link = ''] = /https:\/\/\S+verify-email\/[^"\s]+/.exec(parsed.text) ?? []
        assert.equal((await person.submit(await person.visit(link), { password })).status, 200)
        return { user: String(user_id), told: already + 1 }
      }
      await emailTemplates.update('welcome_email', { enabled: false })
      const quiet = await confirm('quiet@example.com')
      await emailTemplates.update('welcome_email', { enabled: true, body: 'Hi {{ user.email }}', subject: 'Hello' })
      const { user, told } = await confirm('loud@example.com')
      assert.equal(told, quiet.told + 1, 'nobody else was welcomed')
      const { to, parsed } = await nextMail(told + 1)
      assert.deepEqual([to, parsed.subject, parsed.html.trim()], [['loud@example.com'], 'Hello', 'Hi loud@example.com'])

      // Another address of the same account is no welcome.
      clock.advance(HOUR)
      await users.update(user, { email: 'louder@example.com', verify_email: true })
      const again = (await nextMail(told + 2)).parsed
      const person = personAt(management)
      const [link = ''] = /https:\/\/\S+verify-email\/[^"\s]+/.exec(again.text) ?? []
      await person.submit(await person.visit(link), { password: 'a boat on dry land' })
      assert.equal((await users.get(user)).email_verified, true)
      await askForPassword()
      assert.deepEqual((await nextMail(told + 3)).to, [ADMIN.email])
    })

    test('leads on to where the template says once its link has done its work, and nowhere that nobody registered', async () => {
      const { tenants, users, emailTemplates } = management.client
      await tenants.settings.update({ allowed_logout_urls: ['https://app.example/out'] })
      const made = { connection: 'Username-Password-Authentication', email: 'led&on@example.com' }
      await users.create({ ...made, password: 'a boat on dry land', email_verified: true })
      const end = async (template: object) => {
        await emailTemplates.set('reset_email', { ...TEMPLATE, ...template })
        clock.advance(HOUR)
        const already = sink.mails.length
        const person = personAt(management)
        await person.submit(await person.visit(`${management.server.issuer}forgot-password`), { email: made.email })
        // The word of the password before may come in between.
        let link: string | undefined
        for (let count = already + 1; link === undefined; count++)
          link = /https:\/\/\S+reset-password\/[^"\s]+/.exec((await nextMail(count)).parsed.text)?.[0]
        const stop = await person.submit(await person.visit(link), { password: `a boat on dry land, ${already}` })
        return stop.left ? stop.url.href : stop.status
      }
      const told = 'success=true&code=success&message=You+can+now+sign+in+with+your+new+password.'
      assert.equal(
        await end({ resultUrl: 'https://app.example/done?for={{ tenant }}', includeEmailInRedirect: true }),
        `https://app.example/done?for=default&email=led%26on%40example.com&${told}`,
      )
      assert.equal(
        await end({ resultUrl: 'https://app.example/done', includeEmailInRedirect: false }),
        `https://app.example/done?${told}`,
      )
      for (const resultUrl of [
        'https://evil.example/',
        'https://app.example@evil.example/',
        'https://app.example.{{ user.email }}/',
        'javascript:alert(1)//https://app.example',
        '{{ application.callback_domain }}/done',
        '//evil.example',
        '',
      ])
        assert.equal(await end({ resultUrl }), 200, resultUrl)
      await emailTemplates.set('reset_email', TEMPLATE)
    })

    test('stays out of what others send: without a provider of its own it speaks from the server’s address', async () => {
      await management.client.emailTemplates.set('reset_email', TEMPLATE)
      await management.client.emails.provider.delete()
      const mailbox = openMailbox(management.server.latchkey)
      const before = (await mailbox.all(ADMIN.email)).length
      await askForPassword()
      const mail = (await mailbox.all(ADMIN.email))[before] ?? assert.fail('no mail came')
      assert.match(mail.from, /at Vi.*<no-reply@localhost>/)
      assert.match(mail.subject, /^A password for/)
    })
  })
})
