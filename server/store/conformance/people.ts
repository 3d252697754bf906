/** Users, identities, attributes, credentials and consents. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { identityOf, inParallel, NOW, newTenant, type Stage, tally, userOf } from './stage.ts'

export function describePeople(stage: Stage): void {
  describe('users', () => {
    test('a user comes back as it was given, by id and by address within the connection', async () => {
      const { users } = stage.store
      const user = userOf(newTenant(), { blocked: true, emailVerified: false, userMetadata: { plan: 'gold' } })
      const identity = identityOf(user)
      assert.equal(await users.create(user, identity), 'created')
      assert.deepEqual(await users.find(user.tenant, user.id), user)
      assert.deepEqual(await users.findByEmailKey(user.tenant, identity.connection, 'ada@example.com'), user)
      assert.equal(await users.findByEmailKey(user.tenant, 'con_other', 'ada@example.com'), undefined)
      assert.equal(await users.find(newTenant(), user.id), undefined)
      assert.deepEqual(await users.identitiesOf(user.tenant, user.id), [identity])
    })

    test('a taken id, subject or address writes nothing; the same address in another connection is free', async () => {
      const { users } = stage.store
      const ada = userOf(newTenant())
      await users.create(ada, identityOf(ada))
      const bob = userOf(ada.tenant, { id: 'auth0|bob', profile: { name: 'Bob' } })
      assert.equal(await users.create(ada, identityOf(ada, { subject: 'x', emailKey: 'x' })), 'taken')
      assert.equal(await users.create(bob, identityOf(bob)), 'taken')
      assert.equal(await users.create(bob, identityOf(bob, { subject: 'ada', emailKey: 'bob@example.com' })), 'taken')
      assert.equal(await users.find(bob.tenant, bob.id), undefined)
      assert.deepEqual(await users.identitiesOf(bob.tenant, bob.id), [])
      assert.deepEqual(await users.findByAttribute(bob.tenant, 'name', 'Bob', 10), [])
      assert.equal(await users.create(bob, identityOf(bob, { connection: 'con_other' })), 'created')
    })

    test('people without an address do not take it from each other', async () => {
      const { users } = stage.store
      const tenant = newTenant()
      for (const id of ['auth0|a', 'auth0|b']) {
        const user = userOf(tenant, { id, email: null })
        assert.equal(await users.create(user, identityOf(user)), 'created')
      }
    })

    test('of 32 sign-ups with one address a single one is created', async () => {
      const { users } = stage.store
      const tenant = newTenant()
      const answers = await inParallel(32, index => {
        const user = userOf(tenant, { id: `auth0|${index}` })
        return users.create(user, identityOf(user))
      })
      assert.deepEqual(tally(answers), { created: 1, taken: 31 })
    })

    const personOf = (tenant: string, name: string, more: { email?: string; subject?: string } = {}) => {
      const user = userOf(tenant, {
        id: `auth0|${name}`,
        email: more.email ?? `${name}@example.com`,
        profile: { name },
      })
      return { user, identity: identityOf(user, more.subject ? { subject: more.subject } : {}), password: null }
    }

    test('many at once come back as each alone would, with their passwords and attributes', async () => {
      const { users, credentials } = stage.store
      const tenant = newTenant()
      const odd = 'a\0b \ud800 "quoted" \\ 가 ’'
      const metadata = { odd, list: ['x', 1, true, null], deep: { er: 'y' } }
      const ada = userOf(tenant, {
        blocked: true,
        userMetadata: metadata,
        username: 'Ada',
        appMetadata: { plan: 'Gold' },
      })
      const nobody = userOf(tenant, {
        id: 'auth0|nobody',
        email: null,
        emailVerified: false,
        lastIp: '::1',
        loginsCount: 3,
      })
      const password = { ...credentialOf(tenant), secret: '$2b$10$hash', costClass: 2 }
      const people = [
        { user: ada, identity: identityOf(ada, { usernameKey: 'ada' }), password },
        { user: nobody, identity: identityOf(nobody), password: null },
      ]
      assert.deepEqual(await users.createAll(people), ['created', 'created'])
      for (const { user, identity } of people) {
        assert.deepEqual(await users.find(tenant, user.id), user)
        assert.deepEqual(await users.identitiesOf(tenant, user.id), [identity])
      }
      assert.deepEqual(await credentials.of(tenant, ada.id, 'password'), [password])
      assert.deepEqual(await credentials.ofUser(tenant, nobody.id), [])
      assert.deepEqual(await users.findByAttribute(tenant, 'app_metadata.plan', 'gold', 10), [ada.id])
      assert.deepEqual(await users.findByAttribute(tenant, 'user_metadata.deep.er', 'y', 10), [ada.id])
      assert.deepEqual(await users.createAll([]), [])
    })

    test('of many at once those whose id, subject or address is taken leave nothing, and the others are there', async () => {
      const { store } = stage
      const tenant = newTenant()
      const ada = userOf(tenant)
      await store.users.create(ada, identityOf(ada))
      await store.users.create(userOf(tenant, { id: 'auth0|gone', email: 'gone@example.com' }), {
        ...identityOf(userOf(tenant, { id: 'auth0|gone', email: 'gone@example.com' })),
      })
      await store.users.remove(tenant, 'auth0|gone', NOW)
      const people = [
        personOf(tenant, 'zoe'),
        personOf(tenant, 'ada', { email: 'new@example.com' }),
        personOf(tenant, 'same-address', { email: 'ada@example.com' }),
        personOf(tenant, 'same-subject', { subject: 'ada' }),
        personOf(tenant, 'zoe', { email: 'zoe2@example.com' }),
        personOf(tenant, 'like-zoe', { email: 'zoe@example.com' }),
        personOf(tenant, 'gone'),
        personOf(tenant, 'bob'),
      ]
      const answers = await store.transaction(transaction => transaction.users.createAll(people))
      const expected = ['created', ...Array.from({ length: 6 }, () => 'taken'), 'created']
      assert.deepEqual(answers, expected)
      assert.deepEqual(await store.users.find(tenant, ada.id), ada)
      for (const id of ['same-address', 'same-subject', 'like-zoe', 'gone'])
        assert.equal(await store.users.find(tenant, `auth0|${id}`), undefined)
      assert.deepEqual(await store.users.findByAttribute(tenant, 'name', 'same-address', 10), [])
      assert.equal((await store.users.findByEmailKey(tenant, 'con_passwords', 'zoe@example.com'))?.id, 'auth0|zoe')
    })

    test('of 8 who create the same 50 at once each is created by one', async () => {
      const { users } = stage.store
      const tenant = newTenant()
      const people = Array.from({ length: 50 }, (_, index) => `person${index}`)
      const answers = await inParallel(8, at =>
        users.createAll((at % 2 ? people : people.toReversed()).map(name => personOf(tenant, name))),
      )
      assert.deepEqual(tally(answers.flat()), { created: 50, taken: 350 })
    })

    test('taken leaves the transaction around it usable', async () => {
      const { store } = stage
      const ada = userOf(newTenant())
      const bob = userOf(ada.tenant, { id: 'auth0|bob', email: 'bob@example.com' })
      await store.users.create(ada, identityOf(ada))
      const email = { connection: 'con_passwords', emailKey: 'ada@example.com' }
      const answers = await store.transaction(async transaction => [
        await transaction.users.create(ada, identityOf(ada)),
        await transaction.users.create(bob, identityOf(bob)),
        await transaction.users.change(bob.tenant, bob.id, { email: 'ada@example.com' }, NOW + 1, email),
        await transaction.users.change(bob.tenant, bob.id, { blocked: true }, NOW + 2),
      ])
      assert.deepEqual(answers, ['taken', 'created', 'taken', 'changed'])
      assert.deepEqual(await store.users.find(bob.tenant, bob.id), { ...bob, blocked: true, updatedAt: NOW + 2 })
    })

    test('a change leaves what it does not name and moves the address by which the user is found', async () => {
      const { users } = stage.store
      const user = userOf(newTenant())
      await users.create(user, identityOf(user))
      const changed = await users.change(
        user.tenant,
        user.id,
        { email: 'new@example.com', emailVerified: false },
        NOW + 1,
        { connection: 'con_passwords', emailKey: 'new@example.com' },
      )
      assert.equal(changed, 'changed')
      const now = { ...user, email: 'new@example.com', emailVerified: false, updatedAt: NOW + 1 }
      assert.deepEqual(await users.findByEmailKey(user.tenant, 'con_passwords', 'new@example.com'), now)
      assert.equal(await users.findByEmailKey(user.tenant, 'con_passwords', 'ada@example.com'), undefined)
      assert.equal(await users.change(user.tenant, 'auth0|nobody', {}, NOW), 'gone')
    })

    test('attributes are found whatever their case or form, and follow the user’s changes', async () => {
      const { users } = stage.store
      const user = userOf(newTenant(), {
        profile: { name: 'Ａda Lovelace', address: { locality: 'London' } },
        appMetadata: { roles: ['Admin', 'Ops'], level: 3 },
        userMetadata: { plan: 'gold' },
      })
      const found = (path: string, value: string) => users.findByAttribute(user.tenant, path, value, 10)
      await users.create(user, identityOf(user))
      assert.deepEqual(await found('email', 'ADA@example.com'), [user.id])
      assert.deepEqual(await found('name', 'ada lovelace'), [user.id])
      assert.deepEqual(await found('address.locality', 'LONDON'), [user.id])
      assert.deepEqual(await found('app_metadata.roles', 'ops'), [user.id])
      assert.deepEqual(await found('app_metadata.level', '3'), [user.id])
      await users.change(user.tenant, user.id, { userMetadata: { plan: 'silver' } }, NOW)
      assert.deepEqual(await found('user_metadata.plan', 'gold'), [])
      assert.deepEqual(await found('user_metadata.plan', 'silver'), [user.id])
      assert.deepEqual(await found('name', 'ada lovelace'), [user.id])
      assert.deepEqual(await users.findByAttribute(newTenant(), 'user_metadata.plan', 'silver', 10), [])
    })

    test('a claim cannot pose as metadata in a search', async () => {
      const { users } = stage.store
      const user = userOf(newTenant(), { profile: { 'app_metadata.plan': 'gold', app_metadata: { plan: 'gold' } } })
      await users.create(user, identityOf(user))
      assert.deepEqual(await users.findByAttribute(user.tenant, 'app_metadata.plan', 'gold', 10), [])
    })

    test('metadata of any size is stored, and the index takes a bounded part of it', async () => {
      const { users } = stage.store
      const long = '가'.repeat(5000)
      const many = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`key${index}`, `${index}`]))
      const user = userOf(newTenant(), { userMetadata: { long, [long]: 'x', ...many } })
      assert.equal(await users.create(user, identityOf(user)), 'created')
      assert.deepEqual(await users.find(user.tenant, user.id), user)
      assert.deepEqual(await users.findByAttribute(user.tenant, 'user_metadata.long', long, 10), [user.id])
      assert.deepEqual(await users.findByAttribute(user.tenant, 'user_metadata.key999', '999', 10), [])
    })

    test('a removed user leaves an empty tombstone: not found, address free, id never given again', async () => {
      const { users, credentials, consents } = stage.store
      const user = userOf(newTenant(), { userMetadata: { plan: 'gold' } })
      const { tenant, id } = user
      await users.create(user, identityOf(user))
      await credentials.put(credentialOf(tenant))
      await consents.give(consentOf(tenant))
      assert.equal(await users.remove(tenant, id, NOW), 'removed')
      assert.equal(await users.remove(tenant, id, NOW), 'gone')
      assert.equal(await users.find(tenant, id), undefined)
      assert.equal(await users.findByEmailKey(tenant, 'con_passwords', 'ada@example.com'), undefined)
      assert.deepEqual(await users.identitiesOf(tenant, id), [])
      assert.deepEqual(await users.findByAttribute(tenant, 'user_metadata.plan', 'gold', 10), [])
      assert.deepEqual(await credentials.of(tenant, id, 'password'), [])
      assert.deepEqual(await consents.of(tenant, id, 'app'), [])
      assert.equal(await users.change(tenant, id, { blocked: false }, NOW), 'gone')
      assert.equal(await users.create(user, identityOf(user)), 'taken')
      const again = userOf(tenant, { id: 'auth0|again' })
      assert.equal(await users.create(again, identityOf(again)), 'created')
      assert.equal(await users.raiseEpoch(tenant, id), 2)
    })

    test('a name to sign in with is found as it is folded, is one person’s in a connection, and changes with the user', async () => {
      const { users } = stage.store
      const ada = userOf(newTenant(), { username: 'Ada' })
      const { tenant } = ada
      assert.equal(await users.create(ada, identityOf(ada, { usernameKey: 'ada' })), 'created')
      assert.deepEqual(await users.findByUsernameKey(tenant, 'con_passwords', 'ada'), ada)
      assert.equal(await users.findByUsernameKey(tenant, 'con_other', 'ada'), undefined)
      const bob = userOf(tenant, { id: 'auth0|bob', email: 'bob@example.com', username: 'ADA' })
      assert.equal(await users.create(bob, identityOf(bob, { usernameKey: 'ada' })), 'taken')
      assert.equal(await users.create(bob, identityOf(bob, { usernameKey: 'bob' })), 'created')
      const keys = (usernameKey: string) => ({ connection: 'con_passwords', usernameKey })
      assert.equal(await users.change(tenant, bob.id, { username: 'ada' }, NOW, keys('ada')), 'taken')
      assert.equal(await users.change(tenant, bob.id, { username: 'Bert' }, NOW, keys('bert')), 'changed')
      assert.equal((await users.findByUsernameKey(tenant, 'con_passwords', 'bert'))?.username, 'Bert')
      assert.equal((await users.findByEmailKey(tenant, 'con_passwords', 'bob@example.com'))?.id, bob.id)
      assert.equal(await users.findByUsernameKey(tenant, 'con_passwords', 'bob'), undefined)
    })

    test('of 32 sign-ins noted at once each is counted, as is a new password, and the user’s own members stay', async () => {
      const { users } = stage.store
      const user = userOf(newTenant())
      await users.create(user, identityOf(user))
      await inParallel(32, () => users.noteSignIn(user.tenant, user.id, NOW + 5, '192.0.2.1'))
      const noted = { ...user, lastLoginAt: NOW + 5, lastIp: '192.0.2.1', loginsCount: 32 }
      assert.deepEqual(await users.find(user.tenant, user.id), noted)
      await users.notePasswordReset(user.tenant, user.id, NOW + 6)
      assert.deepEqual(await users.find(user.tenant, user.id), { ...noted, lastPasswordResetAt: NOW + 6 })
      await users.remove(user.tenant, user.id, NOW)
      await users.noteSignIn(user.tenant, user.id, NOW + 6, '192.0.2.1')
      await users.notePasswordReset(user.tenant, user.id, NOW + 6)
      assert.equal(await users.find(user.tenant, user.id), undefined)
    })

    describe('of a person with several identities', () => {
      const two = async () => {
        const { users, credentials } = stage.store
        const tenant = newTenant()
        const [ada, bob] = [
          userOf(tenant),
          userOf(tenant, {
            id: 'auth0|bob',
            email: 'bob@example.com',
            username: 'bob',
            profile: { name: 'Bob' },
            appMetadata: { plan: 'gold' },
            loginsCount: 3,
          }),
        ]
        await users.create(ada, identityOf(ada))
        await users.create(bob, identityOf(bob, { usernameKey: 'bob' }))
        await credentials.put({ ...credentialOf(tenant), id: 'password', secret: 'of ada' })
        await credentials.put({ ...credentialOf(tenant), user: bob.id, id: 'password', secret: 'of bob' })
        await credentials.put({ ...credentialOf(tenant), user: bob.id, kind: 'totp' })
        return { tenant, ada, bob, users, credentials }
      }
      const said = { name: 'Bob', email: 'bob@example.com', email_verified: true, username: 'bob' }

      test('the first comes first, and each is found by its own name and has its own password', async () => {
        const { tenant, ada, bob, users, credentials } = await two()
        assert.equal(await users.link(tenant, ada.id, bob.id, NOW + 1), 1)
        const [first, second, ...rest] = await users.identitiesOf(tenant, ada.id)
        assert.deepEqual([first, rest], [identityOf(ada), []])
        assert.deepEqual(second, {
          ...identityOf(bob),
          user: ada.id,
          usernameKey: 'bob',
          profile: said,
          ordinal: 1,
        })
        const linked = { ...ada, updatedAt: NOW + 1 }
        const found = await users.findByIdentity(tenant, 'con_passwords', { emailKey: 'bob@example.com' })
        assert.deepEqual(found, { user: linked, identity: second })
        assert.deepEqual(await users.findByIdentity(tenant, 'con_passwords', { subject: 'bob' }), found)
        assert.deepEqual(await users.findByUsernameKey(tenant, 'con_passwords', 'bob'), linked)
        assert.equal(await users.find(tenant, bob.id), undefined)
        assert.deepEqual(await users.findByAttribute(tenant, 'name', 'bob', 10), [])
        const passwords = await credentials.of(tenant, ada.id, 'password')
        assert.deepEqual(
          passwords.map(({ id, secret }) => [id, secret]).sort(),
          [
            ['con_passwords|bob', 'of bob'],
            ['password', 'of ada'],
          ].sort(),
        )
        assert.deepEqual(await credentials.of(tenant, bob.id, 'totp'), [])
      })

      test('a change of the address or the name is the first one’s', async () => {
        const { tenant, ada, bob, users } = await two()
        await users.link(tenant, ada.id, bob.id, NOW)
        const keys = { connection: 'con_passwords', emailKey: 'new@example.com', usernameKey: 'ada' }
        assert.equal(await users.change(tenant, ada.id, { email: 'new@example.com' }, NOW, keys), 'changed')
        assert.deepEqual(
          (await users.identitiesOf(tenant, ada.id)).map(({ emailKey, usernameKey }) => [emailKey, usernameKey]),
          [
            ['new@example.com', 'ada'],
            ['bob@example.com', 'bob'],
          ],
        )
      })

      test('what is unlinked is a user of its own again: its name, its password, no metadata, a higher epoch', async () => {
        const { tenant, ada, bob, users, credentials } = await two()
        await users.link(tenant, ada.id, bob.id, NOW)
        const unlink = (subject: string) =>
          users.unlink(tenant, ada.id, { connection: 'con_passwords', subject }, NOW + 2)
        assert.equal(await unlink('ada'), 'first')
        assert.equal(await unlink('eve'), 'gone')
        assert.equal(await unlink('bob'), 'unlinked')
        assert.equal(await unlink('bob'), 'gone')
        const alone = { ...bob, epoch: 1, appMetadata: {}, loginsCount: 0, updatedAt: NOW + 2 }
        assert.deepEqual(await users.find(tenant, bob.id), alone)
        assert.deepEqual(await users.identitiesOf(tenant, bob.id), [identityOf(bob, { usernameKey: 'bob' })])
        assert.deepEqual(await users.identitiesOf(tenant, ada.id), [identityOf(ada)])
        assert.deepEqual(await users.findByAttribute(tenant, 'name', 'bob', 10), [bob.id])
        const secrets = async (id: string) => (await credentials.of(tenant, id, 'password')).map(one => one.secret)
        assert.deepEqual([await secrets(ada.id), await secrets(bob.id)], [['of ada'], ['of bob']])
      })

      test('of those who link two people both ways at once one succeeds, and neither waits for the other for ever', async () => {
        const { tenant, ada, bob, users } = await two()
        const answers = await inParallel(8, index =>
          index % 2 === 0 ? users.link(tenant, ada.id, bob.id, NOW) : users.link(tenant, bob.id, ada.id, NOW),
        )
        assert.deepEqual(tally(answers.map(String)), { 1: 1, gone: 7 })
        const people = await Promise.all([ada, bob].map(({ id }) => users.find(tenant, id)))
        assert.equal(people.filter(person => person !== undefined).length, 1)
      })
    })

    test('a name with a zero byte finds nobody, and is no error', async () => {
      const { users, clients } = stage.store
      assert.equal(await users.find(newTenant(), 'auth0|a\0b'), undefined)
      assert.equal(await clients.find(newTenant(), '\0'), undefined)
    })
  })

  const credentialOf = (tenant: string) => ({
    tenant,
    user: 'auth0|ada',
    kind: 'password',
    id: '1',
    publicPart: '',
    secret: '$argon2id$1',
    counter: 0,
    createdAt: NOW,
    costClass: 0,
  })

  describe('credentials', () => {
    test('are added and replaced one by one', async () => {
      const { credentials, users } = stage.store
      const user = userOf(newTenant())
      await users.create(user, identityOf(user))
      const password = credentialOf(user.tenant)
      const passkey = { ...password, kind: 'passkey', publicPart: 'key', counter: 7 }
      await credentials.put(password)
      await credentials.put(passkey)
      await credentials.put({ ...passkey, id: '2', createdAt: NOW - 1 })
      await credentials.put({ ...passkey, counter: 8 })
      assert.deepEqual(await credentials.of(user.tenant, user.id, 'password'), [password])
      assert.deepEqual(await credentials.of(user.tenant, user.id, 'passkey'), [
        { ...passkey, id: '2', createdAt: NOW - 1 },
        { ...passkey, counter: 8 },
      ])
      assert.deepEqual(await credentials.of(newTenant(), user.id, 'password'), [])
    })

    test('of a kind and a public part the newest are kept, and no others are touched', async () => {
      const { credentials, users } = stage.store
      const user = userOf(newTenant())
      await users.create(user, identityOf(user))
      const former = { ...credentialOf(user.tenant), kind: 'former-password', publicPart: 'password' }
      for (const id of ['1', '2', '3', '4']) await credentials.put({ ...former, id, createdAt: NOW + Number(id) })
      await credentials.put({ ...former, id: 'other', publicPart: 'another' })
      await credentials.put(credentialOf(user.tenant))
      await credentials.keepNewest(former, 2)
      const ids = async (kind: string) => (await credentials.of(user.tenant, user.id, kind)).map(({ id }) => id)
      assert.deepEqual(await ids('former-password'), ['other', '3', '4'])
      assert.equal((await ids('password')).length, 1)
      await credentials.keepNewest(former, 0)
      assert.deepEqual(await ids('former-password'), ['other'])
    })

    test('a re-hash does not overwrite a password that was changed meanwhile', async () => {
      const { credentials, users } = stage.store
      const user = userOf(newTenant())
      await users.create(user, identityOf(user))
      const password = credentialOf(user.tenant)
      await credentials.put(password)
      await credentials.put({ ...password, secret: 'changed' })
      assert.equal(await credentials.replaceSecret(password, '$argon2id$1', 'rehashed'), false)
      assert.equal(await credentials.replaceSecret(password, 'changed', 'rehashed'), true)
      assert.equal((await credentials.of(user.tenant, user.id, 'password'))[0]?.secret, 'rehashed')
    })
  })

  test('the dearest credential of a tenant is known until it is replaced, removed with its user, or hashed anew', async () => {
    const { credentials, users } = stage.store
    const tenant = newTenant()
    const people = ['auth0|ada', 'auth0|bob', 'auth0|cyd'].map((id, index) =>
      userOf(tenant, { id, email: `person-${index}@example.com` }),
    )
    for (const user of people) await users.create(user, identityOf(user))
    assert.equal(await credentials.dearest(tenant), 0)
    const costing = (user: string, costClass: number) => ({ ...credentialOf(tenant), user, costClass })
    await credentials.put(costing('auth0|ada', 3))
    await credentials.put(costing('auth0|bob', 2))
    await credentials.put(costing('auth0|cyd', 1))
    assert.deepEqual([await credentials.dearest(tenant), await credentials.dearest(newTenant())], [3, 0])
    await users.remove(tenant, 'auth0|ada', NOW)
    assert.equal(await credentials.dearest(tenant), 2)
    await credentials.replaceSecret(costing('auth0|bob', 2), '$argon2id$1', 'rehashed')
    assert.equal(await credentials.dearest(tenant), 1)
    await credentials.put(costing('auth0|cyd', 0))
    assert.equal(await credentials.dearest(tenant), 0)
  })

  const consentOf = (tenant: string) => ({
    tenant,
    user: 'auth0|ada',
    client: 'app',
    audience: 'https://api.example',
    organization: null,
    scopes: ['read'],
    givenAt: NOW,
  })

  describe('pairwise subjects', () => {
    test('a name leads to one person of its tenant, whoever notes it afterwards, and a person to all their names', async () => {
      const { pairwiseSubjects } = stage.store
      const tenant = newTenant()
      const answers = await inParallel(32, index => pairwiseSubjects.note(tenant, 'one', `auth0|${index}`))
      assert.equal(answers.length, 32)
      const first = (await pairwiseSubjects.userOf(tenant, 'one')) ?? assert.fail()
      await pairwiseSubjects.note(tenant, 'other', first)
      await pairwiseSubjects.note(tenant, 'one', 'auth0|late')
      assert.equal(await pairwiseSubjects.userOf(tenant, 'one'), first)
      assert.deepEqual(await pairwiseSubjects.ofUser(tenant, first), ['one', 'other'])
      assert.equal(await pairwiseSubjects.userOf(newTenant(), 'one'), undefined)
      assert.deepEqual(await pairwiseSubjects.ofUser(newTenant(), first), [])
    })

    test('nothing leads to somebody who was removed', async () => {
      const { pairwiseSubjects, users } = stage.store
      const user = userOf(newTenant())
      await users.create(user, identityOf(user))
      await pairwiseSubjects.note(user.tenant, 'one', user.id)
      await users.remove(user.tenant, user.id, NOW)
      assert.equal(await pairwiseSubjects.userOf(user.tenant, 'one'), undefined)
    })
  })

  describe('consents', () => {
    test('scopes add up per audience and organization, and one without scopes is remembered', async () => {
      const { consents } = stage.store
      const consent = consentOf(newTenant())
      const { tenant, user, client } = consent
      await consents.give(consent)
      await consents.give({ ...consent, scopes: ['write', 'read'], givenAt: NOW + 1 })
      await consents.give({ ...consent, organization: 'org_1', scopes: [] })
      assert.deepEqual(await consents.of(tenant, user, client), [
        { ...consent, scopes: ['read', 'write'], givenAt: NOW + 1 },
        { ...consent, organization: 'org_1', scopes: [] },
      ])
    })

    test('of 32 answers given at once none is lost, and none waits for another that waits for it', async () => {
      const { consents } = stage.store
      const consent = consentOf(newTenant())
      const shared = Array.from({ length: 100 }, (_, index) => `shared${index}`)
      await inParallel(32, index => {
        const scopes = [`own${index}`, ...(index % 2 === 0 ? shared : shared.toReversed())]
        return consents.give({ ...consent, scopes })
      })
      const [given] = await consents.of(consent.tenant, consent.user, consent.client)
      assert.equal(given?.scopes.length, 132)
    })

    test('all that a user allowed is found by the user, and what one client was allowed is taken back alone', async () => {
      const { consents } = stage.store
      const consent = consentOf(newTenant())
      const { tenant, user } = consent
      const other = { ...consent, client: 'other', scopes: [] }
      const organised = { ...consent, organization: 'org_1' }
      for (const given of [other, organised, consent, { ...consent, user: 'auth0|bob' }]) await consents.give(given)
      assert.deepEqual(await consents.ofUser(tenant, user), [consent, organised, other])
      assert.equal(await consents.withdraw(tenant, user, 'app'), true)
      assert.deepEqual(await consents.ofUser(tenant, user), [other])
      assert.equal((await consents.ofUser(tenant, 'auth0|bob')).length, 1)
      assert.equal(await consents.withdraw(tenant, user, 'app'), false)
      assert.equal(await consents.withdraw(newTenant(), user, 'other'), false)
      assert.equal(await consents.withdraw(tenant, user, 'other'), true, 'one without scopes is one as well')
    })

    test('what a transaction holds is not taken back before it ends, and what was taken back is not held', async () => {
      const { store } = stage
      const consent = consentOf(newTenant())
      const { tenant, user, client } = consent
      await store.consents.give(consent)
      const order: string[] = []
      const holding = Promise.withResolvers<void>()
      const holder = store.transaction(async transaction => {
        assert.deepEqual(await transaction.consents.hold(tenant, user, client), [consent])
        holding.resolve()
        for (let read = 0; read < 20; read++) await transaction.consents.of(tenant, user, client)
        order.push('held')
      })
      await holding.promise
      const taker = store.consents.withdraw(tenant, user, client).then(() => order.push('taken back'))
      await Promise.all([holder, taker])
      assert.deepEqual(order, ['held', 'taken back'])
      await store.transaction(async transaction =>
        assert.deepEqual(await transaction.consents.hold(tenant, user, client), []),
      )
    })
  })
}
