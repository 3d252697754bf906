/** Users through the Management API, as Auth0's own libraries ask of it. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import type { Management as Auth0 } from 'auth0'
import { ManagementClient as ManagementClientV6 } from 'auth0-v6'
import { SECOND } from '../../server/kernel/seconds.ts'
import { emailKey } from '../../server/policy/email-address.ts'
import { linkIn, type Mailbox, openMailbox } from '../fixtures/mailbox.ts'
import { type Management, startManagement, trusting } from '../fixtures/management.ts'
import { aUser } from '../fixtures/records.ts'

const DATABASE = 'Username-Password-Authentication'
const PASSWORD = 'a passphrase that nobody guesses'
const APP = { client_id: 'app', client_secret: 'the secret of an app that people sign in to' }

for (const store of ['sqlite', 'postgres'] as const)
  describe(`Users, on ${store}`, () => {
    let management: Management
    let mailbox: Mailbox
    let people = 0
    before(async () => {
      management = await startManagement({
        store,
        environment: { LATCHKEY_MANAGEMENT_CALLS: '0' },
        tenantFile: {
          clients: [
            {
              ...APP,
              name: 'App',
              app_type: 'regular_web',
              grant_types: ['http://auth0.com/oauth/grant-type/password-realm', 'password'],
              token_endpoint_auth_method: 'client_secret_post',
            },
          ],
        },
      })
      mailbox = openMailbox(management.server.latchkey)
    })
    after(() => management?.close())

    const nouns = () => management.server.latchkey.store
    const call = (...given: Parameters<Management['call']>) => management.call(...given)
    const path = (id: string, rest = '') => `/users/${encodeURIComponent(id)}${rest}`

    /** Somebody new, as the API answers them. */
    async function newcomer(members: object = {}) {
      people += 1
      const email = `person-${people}@example.com`
      const given = { connection: DATABASE, email, password: PASSWORD, email_verified: true, ...members }
      const { status, body } = await call('POST', '/users', given)
      assert.equal(status, 201, JSON.stringify(body))
      return body as { user_id: string; email: string } & Record<string, unknown>
    }

    /** What `/oauth/token` answers for their password. */
    async function signIn(username: string, password = PASSWORD) {
      const asked = await trusting(management.ca)(`${management.server.issuer}oauth/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...APP, grant_type: 'password', scope: 'openid', username, password }),
      })
      return { status: asked.status, ...((await asked.json()) as { access_token?: string; id_token?: string }) }
    }
    const userinfo = async ({ access_token: token = '' }: { access_token?: string }) => {
      const headers = { authorization: `Bearer ${token}` }
      return (await trusting(management.ca)(`${management.server.issuer}userinfo`, { headers })).status
    }
    const eventsOf = async (id: string) =>
      (await nouns().events.list('default', { limit: 1000 })).filter(({ target }) => target?.id === id)

    test('sign in with a name where their connection has them, by its rules for passwords', async () => {
      const made = await call('POST', '/connections', {
        name: 'members',
        strategy: 'auth0',
        options: { requires_username: true, passwordPolicy: 'good', password_history: { enable: true, size: 2 } },
      })
      assert.equal(made.status, 201, JSON.stringify(made.body))
      const first = 'A first Passphrase, 1'
      const create = (members: object) =>
        call('POST', '/users', { connection: 'members', email: 'mia@example.com', password: first, ...members })
      for (const [members, message] of [
        [{}, /username is missing/],
        [{ username: 'mia smith' }, /username must be 1 to 15 of/],
        [{ username: 'mia@example.com' }, /username must be 1 to 15 of/],
        [{ username: 'mia', password: 'all lower case letters' }, /^PasswordStrengthError: /],
      ] as const) {
        const { status, body } = await create(members)
        assert.equal(status, 400)
        assert.match(body.message, message)
      }
      const { body: mia } = await create({ username: 'Mia', email: undefined })
      assert.deepEqual([mia.username, mia.email, mia.identities[0].connection], ['Mia', undefined, 'members'])
      assert.equal((await create({ username: 'MIA' })).status, 409)
      const change = async (body: object) => {
        const changed = await call('PATCH', path(mia.user_id), body)
        return changed.status === 200 ? changed.body.username : changed.body.message
      }
      assert.equal(await change({ username: 'Mia2', connection: 'members' }), 'Mia2')
      assert.equal((await call('GET', '/users?q=username:mia2')).body.length, 1)
      assert.equal((await create({ username: 'mia' })).status, 201, 'the name is free again')
      assert.match(await change({ username: 'mia' }), /already exists/)
      assert.match(await change({ username: null }), /email or username has to be left/)
      assert.match(await change({ password: first }), /^PasswordHistoryError: /)
      assert.equal(await change({ password: 'A second Passphrase, 2' }), 'Mia2')
      const { last_password_reset: reset } = (await call('GET', path(mia.user_id))).body
      assert.ok(mia.last_password_reset === undefined && Date.parse(reset) >= Date.parse(mia.created_at), reset)
      assert.match(await change({ password: first }), /^PasswordHistoryError: /)
      assert.match(
        (await call('POST', '/users', { connection: DATABASE, username: 'x', password: PASSWORD })).body.message,
        /username cannot be set/,
      )
    })

    test('are created, read, changed and removed by Auth0’s library', async () => {
      const { users } = management.client
      const created = await users.create({
        connection: DATABASE,
        email: 'Jane@Example.com',
        password: PASSWORD,
        user_id: 'from-elsewhere',
        name: 'Jane Smith',
        given_name: 'Jane',
        nickname: 'jane',
        picture: 'https://example.com/jane.png',
        user_metadata: { city: 'Seoul' },
        app_metadata: { plan: 'gold' },
        email_verified: true,
      })
      const { created_at, updated_at, ...rest } = created
      assert.ok(!Number.isNaN(Date.parse(String(created_at))) && created_at === updated_at)
      assert.deepEqual(rest, {
        user_id: 'auth0|from-elsewhere',
        email: 'Jane@Example.com',
        email_verified: true,
        name: 'Jane Smith',
        given_name: 'Jane',
        nickname: 'jane',
        picture: 'https://example.com/jane.png',
        user_metadata: { city: 'Seoul' },
        app_metadata: { plan: 'gold' },
        identities: [{ connection: DATABASE, user_id: 'from-elsewhere', provider: 'auth0', isSocial: false }],
        logins_count: 0,
      })
      assert.deepEqual(await users.get('auth0|from-elsewhere'), created)
      const changed = await users.update('auth0|from-elsewhere', { nickname: null, family_name: 'Smith' })
      assert.deepEqual([changed.nickname, changed.family_name, changed.name], [undefined, 'Smith', 'Jane Smith'])
      const byEmail = await users.listUsersByEmail({ email: 'jane@example.COM' })
      assert.deepEqual(byEmail, [changed])
      await users.delete('auth0|from-elsewhere')
      await assert.rejects(users.get('auth0|from-elsewhere'), { statusCode: 404 })
      await users.delete('auth0|from-elsewhere')
      assert.deepEqual(await users.listUsersByEmail({ email: 'jane@example.com' }), [])
    })

    test('of which one is taken are a conflict', async () => {
      const { email, user_id } = await newcomer()
      const other = await newcomer()
      const same = { connection: DATABASE, email: email.toUpperCase(), password: PASSWORD }
      const refused = await call('POST', '/users', same)
      assert.deepEqual(
        [refused.status, refused.body.errorCode, refused.body.message],
        [409, 'auth0_idp_error', 'The user already exists.'],
      )
      assert.equal((await call('POST', '/users', { ...same, email: 'free@example.com', user_id })).status, 409)
      assert.equal((await call('PATCH', path(other.user_id), { email })).status, 409)
      assert.equal((await call('GET', path(other.user_id))).body.email, other.email)
    })

    test('of another tenant are not there', async () => {
      const issuer = `https://other-${store}.example.com/`
      await management.server.latchkey.operate('tenants create', { name: 'Other', issuer })
      const { id } = (await management.server.latchkey.operate('users create', {
        tenant: 'Other',
        email: 'stranger@example.com',
        name: 'Stranger',
        password: PASSWORD,
        isVerified: true,
        roles: [],
      })) as { id: string }
      for (const [method, rest, body] of [
        ['GET', ''],
        ['PATCH', '', { blocked: true }],
        ['POST', '/identities', { provider: 'auth0', user_id: 'x' }],
        ['DELETE', '/identities/auth0/x'],
      ] as const) {
        const { status, body: said } = await call(method, path(id, rest), body)
        assert.deepEqual([method, status, said.errorCode], [method, 404, 'inexistent_user'])
      }
      assert.equal((await call('DELETE', path(id))).status, 204)
      const mine = await newcomer()
      const link = await call('POST', path(mine.user_id, '/identities'), { provider: 'auth0', user_id: id })
      assert.equal(link.status, 404)
      assert.deepEqual((await call('GET', '/users?q=stranger%40example.com')).body, [])
      assert.equal((await nouns().users.find('other', id))?.blocked, false)
    })

    describe('are not created', () => {
      for (const [members, message] of [
        [{ connection: 'nowhere' }, 'The connection does not exist.'],
        [{ connection: undefined }, 'Payload validation error: connection is missing.'],
        [{ email: undefined }, 'Payload validation error: email is missing.'],
        [{ email: 'nobody' }, 'Payload validation error: email is not an e-mail address.'],
        [{ password: undefined }, 'Payload validation error: password is missing.'],
        [{ user_id: 'a|b' }, /^Payload validation error: user_id is auth0\|… or what follows it/],
        [{ name: 'a\nb' }, /^Payload validation error: name must be 1 to 300 characters/],
        [{ name: '\u202eevil' }, /^Payload validation error: name must be/],
        [{ picture: 'javascript:alert(1)' }, /^Payload validation error: picture must be a URL/],
        [{ phone_number: '123' }, /^Payload validation error: phone_number/],
        [{ user_metadata: [] }, 'Payload validation error: user_metadata must be object.'],
        [
          { app_metadata: { large: 'x'.repeat(16 * 1024) } },
          'Payload validation error: app_metadata would be larger than 16 KiB.',
        ],
        [{ blocked: 'yes' }, 'Payload validation error: blocked must be boolean.'],
        [{ isAdmin: true }, 'Payload validation error: there is no member isAdmin.'],
      ] as const)
        test(`with ${JSON.stringify(members).slice(0, 60)}`, async () => {
          const given = { connection: DATABASE, email: 'never@example.com', password: PASSWORD, ...members }
          const { status, body } = await call('POST', '/users', given)
          assert.equal(status, 400)
          if (typeof message === 'string') assert.equal(body.message, message)
          else assert.match(body.message, message)
          assert.deepEqual((await call('GET', '/users-by-email?email=never@example.com')).body, [])
        })

      test('with a password that everybody tries first', async () => {
        const given = { connection: DATABASE, email: 'never@example.com', password: 'password123' }
        const { status, body } = await call('POST', '/users', given)
        assert.deepEqual([status, body.errorCode], [400, 'invalid_password'])
      })

      test('from a body that no JSON of people is, and nothing of it is an error of ours', async () => {
        const { user_id } = await newcomer()
        const deep = `${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}`
        for (const body of [
          '{"user_metadata":{"__proto__":{"a":1}}}',
          '{"user_metadata":{"a":"\\u0000"}}',
          '{"user_metadata":{"a":"\\ud800"}}',
          '{"user_metadata":{"\\udc00":1}}',
          `{"user_metadata":${deep}}`,
          '{"user_metadata":{"a":1,"a":2}}',
          '{"user_metadata":{"a":1e999}}',
          '{}',
          '[]',
          'null',
          '"',
          '',
        ])
          for (const [method, place] of [
            ['PATCH', path(user_id)],
            ['POST', '/users'],
          ] as const) {
            const { status } = await call(method, place, body)
            assert.equal(status, 400, `${method} ${body.slice(0, 60)}`)
          }
      })
    })

    test('have metadata that is changed member by member, by several at once', async () => {
      const { user_id } = await newcomer({ user_metadata: { a: 1, b: { c: 2 } }, app_metadata: { constructor: 'x' } })
      const change = async (body: object) => (await call('PATCH', path(user_id), body)).body
      assert.deepEqual((await change({ user_metadata: { b: { d: 3 }, e: [1] } })).user_metadata, {
        a: 1,
        b: { d: 3 },
        e: [1],
      })
      assert.deepEqual((await change({ user_metadata: { a: null } })).user_metadata, { b: { d: 3 }, e: [1] })
      assert.deepEqual((await change({ user_metadata: {} })).user_metadata, {})
      await Promise.all(Array.from({ length: 16 }, (_, index) => change({ app_metadata: { [`at${index}`]: index } })))
      const { app_metadata: together } = (await call('GET', path(user_id))).body
      assert.equal(Object.keys(together).length, 17)
      const large = await call('PATCH', path(user_id), { app_metadata: { large: 'x'.repeat(16_300) } })
      assert.deepEqual(
        [large.status, large.body.message],
        [400, 'Payload validation error: app_metadata would be larger than 16 KiB.'],
      )
      assert.deepEqual((await call('GET', path(user_id))).body.app_metadata, together)
    })

    test('lose all that they have when they are blocked, and do not get it back', async () => {
      const { user_id, email } = await newcomer()
      const tokens = await signIn(email)
      assert.deepEqual([tokens.status, await userinfo(tokens)], [200, 200])
      const { body } = await call('PATCH', path(user_id), { blocked: true })
      assert.equal(body.blocked, true)
      assert.equal(body.logins_count, 0)
      assert.equal(await userinfo(tokens), 401)
      assert.equal((await signIn(email)).status, 400)
      assert.equal((await call('PATCH', path(user_id), { blocked: false })).body.blocked, undefined)
      assert.equal(await userinfo(tokens), 401)
      assert.equal((await signIn(email)).status, 200)
      const [, blocked] = await eventsOf(user_id)
      assert.deepEqual([blocked?.type, blocked?.actor.kind], ['user.changed', 'client'])
      assert.deepEqual(blocked?.personal['changes'], { blocked: { after: true } })
    })

    test('lose all that they have with their password, which nothing tells', async () => {
      const { user_id, email } = await newcomer()
      const tokens = await signIn(email)
      const password = 'another passphrase of theirs'
      assert.equal((await call('PATCH', path(user_id), { password, connection: DATABASE })).status, 200)
      assert.equal(await userinfo(tokens), 401)
      assert.equal((await signIn(email)).status, 400)
      assert.equal((await signIn(email, password)).status, 200)
      const events = await eventsOf(user_id)
      assert.ok(events.some(({ type }) => type === 'user.password-changed'))
      assert.ok(!JSON.stringify(events).includes('passphrase'))
      const weak = await call('PATCH', path(user_id), { password: 'password123' })
      assert.deepEqual([weak.status, weak.body.errorCode], [400, 'invalid_password'])
      for (const wrong of [{ password: null }, { connection: 'nowhere', password }])
        assert.equal((await call('PATCH', path(user_id), wrong)).status, 400)
    })

    test('get another address, which nobody has proven until its owner does', async () => {
      const { user_id, email } = await newcomer()
      const change = async (body: object) => (await call('PATCH', path(user_id), body)).body
      assert.equal((await change({ email: email.toUpperCase() })).email_verified, true)
      const moved = await change({ email: `new-${email}`, verify_email: true, client_id: APP.client_id })
      assert.deepEqual([moved.email, moved.email_verified], [`new-${email}`, false])
      assert.match(linkIn(await mailbox.next(`new-${email}`)), /\/verify-email\//)
      assert.equal((await signIn(email)).status, 400)
      assert.equal((await signIn(`new-${email}`)).status, 200)
      assert.equal((await change({ email_verified: true })).email_verified, true)
      assert.equal((await change({ email: `third-${email}`, email_verified: true })).email_verified, true)
      assert.match((await change({ client_id: 'nobody' })).message, /client_id is no client/)
      assert.deepEqual(await mailbox.all(`third-${email}`), [])
    })

    test('are sent a link when they are created with an address that nobody vouches for, unless told otherwise', async () => {
      const asked = await newcomer({ email_verified: undefined })
      assert.match(linkIn(await mailbox.next(asked.email)), /\/verify-email\//)
      const { email } = await newcomer({ email_verified: undefined, verify_email: false })
      assert.deepEqual(await mailbox.all(email), [])
    })

    test('have a phone number, which is not proven when it changes', async () => {
      const { user_id, ...made } = await newcomer({ phone_number: '+82212345', phone_verified: true })
      assert.deepEqual([made['phone_number'], made['phone_verified']], ['+82212345', true])
      const { body } = await call('PATCH', path(user_id), { phone_number: '+82299999' })
      assert.deepEqual([body.phone_number, body.phone_verified], ['+82299999', false])
      const gone = (await call('PATCH', path(user_id), { phone_number: null })).body
      assert.deepEqual([gone.phone_number, gone.phone_verified], [undefined, undefined])
    })

    test('may be changed in their app_metadata alone by whoever holds the scope for that', async () => {
      const { user_id } = await newcomer()
      const token = await management.tokenWith('update:users_app_metadata')
      const change = (body: object) => call('PATCH', path(user_id), body, { token })
      assert.equal((await change({ app_metadata: { plan: 'gold' } })).status, 200)
      for (const body of [{ app_metadata: {}, blocked: true }, { password: PASSWORD }, { email: 'x@example.com' }]) {
        const { status, body: said } = await change(body)
        assert.deepEqual([status, said.errorCode], [403, 'insufficient_scope'])
      }
    })

    test('are shown in the members that are asked for', async () => {
      const { user_id, email } = await newcomer({ app_metadata: { shown: store } })
      const some = '?fields=user_id,email,nonsense'
      const short = { user_id, email }
      assert.deepEqual((await call('GET', path(user_id, some))).body, short)
      const found = `&q=app_metadata.shown:${store}`
      assert.deepEqual((await call('GET', `/users${some}${found}`)).body, [short])
      const others = (await call('GET', `/users${some}&include_fields=false${found}`)).body[0]
      assert.deepEqual([others.user_id, others.email, others.identities.length], [undefined, undefined, 1])
      assert.deepEqual((await call('GET', `/users-by-email?email=${email}&fields=email`)).body, [{ email }])
    })

    test('become one of two, and two of one again, each with the password they had', async () => {
      const [ann, ben] = [await newcomer(), await newcomer({ user_metadata: { city: 'Busan' } })]
      await call('PATCH', path(ben.user_id), { password: 'the passphrase of the other' })
      const tokens = await signIn(ben.email, 'the passphrase of the other')
      const { users } = management.client
      const [, subject = ''] = ben.user_id.split('|')
      const linked = await users.identities.link(ann.user_id, { provider: 'auth0', user_id: subject })
      assert.deepEqual(
        linked.map(({ user_id, profileData }) => [user_id, profileData?.email]),
        [
          [ann.user_id.split('|')[1], undefined],
          [subject, ben.email],
        ],
      )
      assert.equal(await userinfo(tokens), 401)
      assert.equal((await call('GET', path(ben.user_id))).status, 404)
      const again = await call('POST', path(ann.user_id, '/identities'), { provider: 'auth0', user_id: ben.user_id })
      assert.deepEqual([again.status, again.body.errorCode], [409, 'identity_conflict'])
      const itself = await call('POST', path(ann.user_id, '/identities'), { provider: 'auth0', user_id: ann.user_id })
      assert.equal(itself.status, 409)

      const asOther = await signIn(ben.email, 'the passphrase of the other')
      assert.equal(asOther.status, 200)
      assert.equal((await signIn(ben.email, PASSWORD)).status, 400)
      await call('PATCH', path(ann.user_id), { password: 'the third one, of the first' })
      assert.equal((await signIn(ann.email, 'the third one, of the first')).status, 200)
      assert.equal((await signIn(ben.email, 'the passphrase of the other')).status, 200)
      const [, payload = ''] = asOther.id_token?.split('.') ?? []
      assert.equal(JSON.parse(Buffer.from(payload, 'base64url').toString()).sub, ann.user_id)
      assert.equal((await call('GET', `/users?q=identities.user_id:${subject}`)).body[0].user_id, ann.user_id)

      const kept = await signIn(ben.email, 'the passphrase of the other')
      const first = await call('DELETE', path(ann.user_id, `/identities/auth0/${ann.user_id.split('|')[1]}`))
      assert.equal(first.status, 400)
      const left = await users.identities.delete(ann.user_id, 'auth0', subject)
      assert.equal(left.length, 1)
      assert.equal((await call('DELETE', path(ann.user_id, `/identities/auth0/${subject}`))).status, 404)
      assert.equal(await userinfo(kept), 401, 'what was given by that identity ended')
      const { body: alone } = await call('GET', path(ben.user_id))
      assert.deepEqual([alone.email, alone.email_verified, alone.user_metadata], [ben.email, true, {}])
      const anew = await signIn(ben.email, 'the passphrase of the other')
      assert.deepEqual([anew.status, await userinfo(anew)], [200, 200])
    })

    test('are linked by an ID token of the other, and by nothing that only looks like one', async () => {
      const [ann, ben] = [await newcomer(), await newcomer()]
      const { id_token: token = '', access_token: other = '' } = await signIn(ben.email)
      const link = (body: object) => call('POST', path(ann.user_id, '/identities'), body)
      const [header, payload] = token.split('.')
      const forged = `${header}.${payload}.${Buffer.from('forged').toString('base64url')}`
      for (const body of [
        { link_with: forged },
        { link_with: other },
        { link_with: 'x' },
        { link_with: token, provider: 'auth0', user_id: 'x' },
        { provider: 'auth0' },
        {},
      ])
        assert.equal((await link(body)).status, 400)
      assert.equal((await link({ provider: 'auth0', user_id: 'nobody' })).status, 404)
      assert.equal((await link({ provider: 'auth0', user_id: ben.user_id, connection_id: 'con_other' })).status, 404)
      const { status, body } = await link({ link_with: token })
      assert.deepEqual([status, body.length], [201, 2])
    })

    test('end with all they were given when they are removed, and their id is never given again', async () => {
      const { user_id, email } = await newcomer()
      const tokens = await signIn(email)
      const { status, body } = await call('DELETE', path(user_id))
      assert.deepEqual([status, body], [204, undefined])
      assert.equal(await userinfo(tokens), 401)
      assert.equal((await signIn(email)).status, 400)
      const again = { connection: DATABASE, email, password: PASSWORD, user_id }
      assert.equal((await call('POST', '/users', again)).status, 409)
      assert.equal((await call('POST', '/users', { ...again, user_id: undefined })).status, 201)
      const events = await eventsOf(user_id)
      assert.deepEqual(
        events.map(({ type }) => type).filter(type => type.startsWith('user.')),
        ['user.created', 'user.removed'],
      )
    })

    describe('a thousand of them', () => {
      const THOUSAND = 1000
      before(async () => {
        const connection = await nouns().connections.findByName('default', DATABASE)
        await nouns().transaction(async ({ users }) => {
          for (let index = 0; index < THOUSAND; index++) {
            const subject = `many-${String(index).padStart(4, '0')}`
            const email = `${subject}@many.example`
            const made = { createdAt: 1000 * index, updatedAt: 1000 * index, appMetadata: { many: true, at: index } }
            const user = aUser({ id: `auth0|${subject}`, email, profile: { name: `Many ${index}` }, ...made })
            await users.create(user, {
              tenant: 'default',
              user: user.id,
              connection: connection?.id ?? '',
              provider: 'auth0',
              subject,
              emailKey: emailKey(email),
              usernameKey: null,
              profile: null,
              ordinal: 0,
            })
          }
        })
      })
      const many = 'q=app_metadata.many:true'

      test('are gone through by Auth0’s libraries, each once and in their order', async t => {
        const v6 = new ManagementClientV6({ domain: management.domain, token: management.token })
        const usual = getCACertificates('default')
        setDefaultCACertificates([...usual, management.ca])
        t.after(() => setDefaultCACertificates(usual))
        for (const library of [management.client, v6]) {
          const ids: unknown[] = []
          const query = { q: 'app_metadata.many:true', sort: 'created_at:-1' }
          const page = (await library.users.list(query)) as AsyncIterable<Auth0.UserResponseSchema>
          for await (const user of page) ids.push(user.user_id)
          assert.equal(ids.length, THOUSAND)
          assert.equal(ids[0], 'auth0|many-0999')
          assert.equal(new Set(ids).size, THOUSAND)
        }
      })

      test('have pages that end with the thousandth, and a way on', async () => {
        const page = async (number: number, each: number, more = many) =>
          call('GET', `/users?${more}&include_totals=true&page=${number}&per_page=${each}`)
        const { body: last } = await page(9, 100)
        assert.deepEqual([last.start, last.length, last.total, last.limit], [900, 100, THOUSAND, 100])
        const { body: behind } = await page(10, 100)
        assert.deepEqual([behind.length, behind.total], [0, THOUSAND])
        const everybody = 'q=*'
        for (const [number, each] of [
          [10, 100],
          [999_999, 100],
          [33, 30],
        ] as const) {
          const { status, body } = await page(number, each, everybody)
          assert.deepEqual([status, body.errorCode], [400, 'invalid_paging'])
        }
        const ids = new Set<string>()
        for (let from = ''; ; ) {
          const { body } = await call('GET', `/users?take=100${from && `&from=${from}`}`)
          for (const user of body.users) ids.add(user.user_id)
          if (body.next === undefined) break
          from = body.next
        }
        assert.ok(ids.size > THOUSAND)
        assert.equal(ids.size, (await call('GET', '/users?include_totals=true&per_page=1')).body.total)
      })

      test('are searched, sorted and narrowed to a connection', async () => {
        const list = async (query: string) => (await call('GET', `/users?${query}`)).body
        const found = await list(
          `q=${encodeURIComponent('app_metadata.at:[10 TO 12] AND app_metadata.many:true')}&sort=name:-1`,
        )
        assert.deepEqual(
          found.map((user: { name: string }) => user.name),
          ['Many 12', 'Many 11', 'Many 10'],
        )
        const counted = await list(`${many}&connection=${DATABASE}&include_totals=true&per_page=1&search_engine=v3`)
        assert.deepEqual([counted.total, counted.users.length], [THOUSAND, 1])
        assert.deepEqual(await list(`${many}&connection=nowhere`), [])
        assert.equal((await list(`q=&per_page=100`)).length, 100)
        assert.equal((await list('q=name:many*&per_page=2')).length, 2)
      })

      test('are not looked through for longer than anybody waits', async t => {
        let now = performance.now()
        // Each time somebody looks, eleven seconds have passed.
        t.mock.method(performance, 'now', () => (now += 11 * SECOND))
        const { status, body } = await call('GET', '/users?q=name:*xyz*')
        assert.deepEqual([status, body.errorCode], [503, 'query_timeout'])
        assert.match(body.message, /^The query exceeded the timeout\./)
      })

      for (const [query, message] of [
        ['q=name:(', /^Query validation error: q: something to look for is missing, at character 7\.$/],
        ['q=logins_count:x', /q: logins_count is a number, at character 1/],
        ['sort=email', /sort/],
        ['sort=password:1', /sort takes user_id, created_at/],
        ['sort=email:1&take=5', /sort cannot be given/],
        ['per_page=101', /per_page/],
        ['from=nonsense', /from is not what an answer before held/],
        ['search_engine=v9', /search_engine/],
      ] as const)
        test(`cannot be asked for with ${query}`, async () => {
          const { status, body } = await call('GET', `/users?${query}`)
          assert.deepEqual([status, body.errorCode], [400, 'invalid_query_string'])
          assert.match(body.message, message)
        })
    })
  })
