/** Roles one by one, who has them, and what they and people may do. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Permission } from '../permissions.ts'
import type { Store } from '../store.ts'
import { identityOf, inParallel, NOW, newTenant, type Stage, tally, userOf } from './stage.ts'

const API = 'https://api.example'
const may = (name: string, audience = API): Permission => ({ audience, name })

/** Two people and two roles of a tenant. */
async function peopleIn({ users, roles }: Store) {
  const tenant = newTenant()
  for (const [index, id] of ['auth0|ada', 'auth0|bob'].entries()) {
    const user = userOf(tenant, { id, email: `${index}@example.com` })
    await users.create(user, identityOf(user))
  }
  const editor = { tenant, id: 'rol_1', name: 'Editor', description: 'Edits' }
  const viewer = { tenant, id: 'rol_2', name: 'viewer_1', description: '' }
  for (const role of [editor, viewer]) assert.equal(await roles.create(role), 'created')
  return { tenant, editor, viewer }
}

export function describePermissions(stage: Stage): void {
  describe('roles one by one', () => {
    test('are found, listed by name and by a part of it, and have no name twice', async () => {
      const { roles } = stage.store
      const { tenant, editor, viewer } = await peopleIn(stage.store)
      assert.equal(await roles.create({ ...viewer, id: 'rol_3', name: 'Editor' }), 'taken')
      assert.deepEqual(await roles.find(tenant, 'rol_1'), editor)
      assert.equal(await roles.find(newTenant(), 'rol_1'), undefined)
      assert.deepEqual(await roles.list(tenant, { limit: 10 }), [editor, viewer])
      assert.deepEqual(await roles.list(tenant, { offset: 1, limit: 10 }), [viewer])
      for (const [part, found] of [
        ['EDIT', 1],
        ['e', 2],
        ['_', 1],
        ['%', 0],
        ['\\', 0],
        ["' or 1=1 --", 0],
      ] as const) {
        assert.equal((await roles.list(tenant, { limit: 10 }, part)).length, found, part)
        assert.equal(await roles.count(tenant, part), found, part)
      }
      assert.equal(await roles.change(tenant, 'rol_2', { name: 'Editor' }), 'taken')
      assert.equal(await roles.change(tenant, 'rol_2', { name: 'Reader' }), 'changed')
      assert.equal(await roles.change(tenant, 'rol_2', { description: 'Reads' }), 'changed')
      assert.equal(await roles.change(tenant, 'rol_2', {}), 'changed')
      assert.equal(await roles.change(tenant, 'rol_9', {}), 'gone')
      assert.equal(await roles.change(tenant, 'rol_9', { name: 'x' }), 'gone')
      assert.deepEqual(await roles.find(tenant, 'rol_2'), { ...viewer, name: 'Reader', description: 'Reads' })
    })

    test('a removed role is nobody’s, and its name is free', async () => {
      const { roles, permissions } = stage.store
      const { tenant, editor } = await peopleIn(stage.store)
      await roles.give(tenant, 'auth0|ada', null, ['rol_1'])
      await permissions.giveRole(tenant, 'rol_1', [may('read')])
      assert.equal(await roles.remove(tenant, 'rol_1', NOW), 'removed')
      assert.equal(await roles.remove(tenant, 'rol_1', NOW), 'gone')
      assert.equal(await roles.find(tenant, 'rol_1'), undefined)
      assert.equal(await roles.findByName(tenant, 'Editor'), undefined)
      assert.equal(await roles.count(tenant), 1)
      assert.deepEqual(await roles.of(tenant, 'auth0|ada', null), [])
      assert.deepEqual(await permissions.held(tenant, 'auth0|ada', null, API), [])
      assert.deepEqual(await permissions.effective(tenant, 'auth0|ada', { limit: 10 }), [])
      assert.equal(await roles.give(tenant, 'auth0|ada', null, ['rol_1']), 'gone')
      assert.equal(await permissions.giveRole(tenant, 'rol_1', [may('read')]), 'gone')
      assert.equal(await roles.change(tenant, 'rol_1', { name: 'x' }), 'gone')
      assert.equal(await roles.create({ ...editor, id: 'rol_3' }), 'created')
      assert.equal(await roles.put({ ...editor, id: 'rol_4' }), 'same')
    })

    test('are given to people besides what they have, and taken from them', async () => {
      const { roles, users } = stage.store
      const { tenant, editor, viewer } = await peopleIn(stage.store)
      assert.deepEqual(await roles.give(tenant, 'auth0|ada', null, ['rol_1']), ['rol_1'])
      assert.deepEqual(await roles.give(tenant, 'auth0|ada', null, ['rol_1', 'rol_2', 'rol_2']), ['rol_2'])
      assert.deepEqual(await roles.give(tenant, 'auth0|bob', null, ['rol_1']), ['rol_1'])
      assert.deepEqual(await roles.give(tenant, 'auth0|bob', 'org_1', ['rol_2']), ['rol_2'])
      assert.equal(await roles.give(tenant, 'auth0|ada', null, ['rol_2', 'rol_9']), 'gone')
      assert.equal(await roles.give(tenant, 'auth0|eve', null, ['rol_1']), 'gone')
      assert.deepEqual(await roles.give(tenant, 'auth0|ada', null, []), [])
      assert.deepEqual(await roles.of(tenant, 'auth0|ada', null), [editor, viewer])
      assert.deepEqual(await roles.of(tenant, 'auth0|ada', null, { offset: 1, limit: 1 }), [viewer])
      assert.equal(await roles.countOf(tenant, 'auth0|ada', null), 2)
      assert.equal(await roles.countOf(tenant, 'auth0|bob', 'org_1'), 1)

      const holders = async (role: string, part: { after?: string; offset?: number } = {}) =>
        (await roles.usersOf(tenant, role, { ...part, limit: 10 })).map(user => user.id).join()
      assert.equal(await holders('rol_1'), 'auth0|ada,auth0|bob')
      assert.equal(await holders('rol_1', { after: 'auth0|ada' }), 'auth0|bob')
      assert.equal(await holders('rol_1', { offset: 1 }), 'auth0|bob')
      // Whoever has it in an organization is told there.
      assert.equal(await holders('rol_2'), 'auth0|ada')
      assert.equal(await roles.countUsersOf(tenant, 'rol_1'), 2)

      assert.deepEqual(await roles.take(tenant, 'auth0|ada', null, ['rol_1', 'rol_9']), ['rol_1'])
      assert.deepEqual(await roles.take(tenant, 'auth0|ada', null, ['rol_1']), [])
      await users.remove(tenant, 'auth0|bob', NOW)
      assert.equal(await holders('rol_1'), '')
    })

    test('of a role that is removed while it is given, nobody keeps it', async () => {
      const { roles } = stage.store
      const { tenant } = await peopleIn(stage.store)
      const answers = await inParallel(8, async index => {
        if (index === 4) return roles.remove(tenant, 'rol_1', NOW)
        const given = await roles.give(tenant, 'auth0|ada', `org_${index}`, ['rol_1'])
        return given === 'gone' ? 'gone' : 'given'
      })
      const { given = 0, gone = 0 } = tally(answers)
      assert.equal(given + gone, 7)
      for (let index = 0; index < 8; index++) assert.deepEqual(await roles.of(tenant, 'auth0|ada', `org_${index}`), [])
    })
  })

  describe('permissions', () => {
    test('of a role and of a person are kept apart, each once, in order', async () => {
      const { permissions } = stage.store
      const { tenant } = await peopleIn(stage.store)
      const all = [may('b'), may('a'), may('a', 'https://aaa.example')]
      const inOrder = [may('a', 'https://aaa.example'), may('a'), may('b')]
      for (const [give, of, count, take, holder] of [
        ['giveRole', 'ofRole', 'countOfRole', 'takeFromRole', 'rol_1'],
        ['giveUser', 'ofUser', 'countOfUser', 'takeFromUser', 'auth0|ada'],
      ] as const) {
        const given = await permissions[give](tenant, holder, all)
        assert.equal(given.length, 3)
        assert.deepEqual(await permissions[give](tenant, holder, [may('b'), may('c')]), [may('c')])
        assert.deepEqual(await permissions[take](tenant, holder, [may('c'), may('d'), may('c', 'https://x.example')]), [
          may('c'),
        ])
        assert.deepEqual(await permissions[of](tenant, holder), inOrder)
        assert.deepEqual(await permissions[of](tenant, holder, { offset: 1, limit: 1 }), [may('a')])
        assert.deepEqual(await permissions[of](tenant, holder, { after: may('a'), limit: 9 }), [may('b')])
        assert.equal(await permissions[count](tenant, holder), 3)
        assert.equal(await permissions[count](newTenant(), holder), 0)
        assert.equal(await permissions[give](tenant, 'nobody', all), 'gone')
        assert.deepEqual(await permissions[take](tenant, 'nobody', all), [])
      }
      const many = Array.from({ length: 1200 }, (_, index) => may(`many:${index}`))
      assert.equal((await permissions.giveRole(tenant, 'rol_2', many)).length, 1200)
      assert.equal((await permissions.takeFromRole(tenant, 'rol_2', many)).length, 1200)
    })

    test('that a person holds are their own, those of their roles, and in an organization those of their roles there', async () => {
      const { permissions, roles } = stage.store
      const { tenant } = await peopleIn(stage.store)
      await permissions.giveRole(tenant, 'rol_1', [may('read'), may('write'), may('other', 'https://x.example')])
      await permissions.giveRole(tenant, 'rol_2', [may('erase')])
      await permissions.giveUser(tenant, 'auth0|ada', [may('own'), may('read')])
      const held = async (organization: string | null, user = 'auth0|ada') =>
        (await permissions.held(tenant, user, organization, API)).toSorted().join()
      assert.equal(await held(null), 'own,read')
      await roles.give(tenant, 'auth0|ada', null, ['rol_1'])
      await roles.give(tenant, 'auth0|ada', 'org_1', ['rol_2'])
      assert.equal(await held(null), 'own,read,write')
      assert.equal(await held('org_1'), 'erase,own,read,write')
      assert.equal(await held('org_2'), 'own,read,write')
      assert.equal(await held(null, 'auth0|bob'), '')
      assert.deepEqual(await permissions.held(newTenant(), 'auth0|ada', null, API), [])

      const effective = await permissions.effective(tenant, 'auth0|ada', { limit: 10 })
      assert.deepEqual(effective, [
        { ...may('own'), isDirect: true, isByRole: false },
        { ...may('read'), isDirect: true, isByRole: true },
        { ...may('write'), isDirect: false, isByRole: true },
        { ...may('other', 'https://x.example'), isDirect: false, isByRole: true },
      ])
      assert.deepEqual(
        await permissions.effective(tenant, 'auth0|ada', { after: may('read'), limit: 1 }),
        effective.slice(2, 3),
      )
      assert.deepEqual(
        await permissions.effective(tenant, 'auth0|ada', { limit: 10 }, 'https://x.example'),
        effective.slice(3),
      )

      assert.deepEqual(await permissions.rolesWith(tenant, 'auth0|ada', may('write')), ['rol_1'])
      assert.deepEqual(await permissions.rolesWith(tenant, 'auth0|ada', may('own')), [])
      assert.deepEqual(await permissions.rolesWith(tenant, 'auth0|bob', may('write')), [])

      await permissions.forget(tenant, API, ['read', 'own'])
      assert.equal(await held('org_1'), 'erase,write')
      await roles.take(tenant, 'auth0|ada', null, ['rol_1'])
      assert.equal(await held('org_1'), 'erase')
    })
  })
}
