/** Documents. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MINUTE } from '../../kernel/seconds.ts'
import type { DocumentRecord } from '../documents.ts'
import { NOW, newTenant, type Stage } from './stage.ts'

const documentOf = (tenant: string, rest: Partial<DocumentRecord> = {}): DocumentRecord => ({
  ...{ tenant, kind: 'theme', id: 'one', data: { colour: '#0f6b4f', nested: { text: 'ünïcode' } } },
  ...{ sealed: null, createdAt: NOW, updatedAt: NOW },
  ...rest,
})

export function describeDocuments(stage: Stage): void {
  describe('documents', () => {
    test('come back as they were given, by their tenant, their kind and their id', async () => {
      const { documents } = stage.store
      const [tenant, other] = [newTenant(), newTenant()]
      const document = documentOf(tenant, { sealed: '1.m.p.n.c' })
      assert.equal(await documents.create(document), 'created')
      assert.deepEqual(await documents.find(document), document)
      for (const name of [{ tenant: other }, { kind: 'prompt' }, { id: 'two' }])
        assert.equal(await documents.find({ ...document, ...name }), undefined)
    })

    test('are created once, and put in the place of the one there is', async () => {
      const { documents } = stage.store
      const tenant = newTenant()
      await documents.create(documentOf(tenant))
      const later = documentOf(tenant, { data: { colour: 'red' }, createdAt: NOW + MINUTE, updatedAt: NOW + MINUTE })
      assert.equal(await documents.create(later), 'taken')
      assert.deepEqual(await documents.find(later), documentOf(tenant))
      await documents.put(later)
      assert.deepEqual(await documents.find(later), { ...later, createdAt: NOW })
      await documents.put(documentOf(tenant, { id: 'two' }))
      assert.deepEqual(await documents.find(documentOf(tenant, { id: 'two' })), documentOf(tenant, { id: 'two' }))
    })

    test('are listed by kind in order of id, page by page', async () => {
      const { documents } = stage.store
      const tenant = newTenant()
      for (const id of ['c', 'a', 'b']) await documents.put(documentOf(tenant, { id }))
      await documents.put(documentOf(tenant, { kind: 'prompt', id: 'a' }))
      const ids = async (page: { after?: string; limit: number }) =>
        (await documents.list(tenant, 'theme', page)).map(({ id }) => id)
      assert.deepEqual(await ids({ limit: 2 }), ['a', 'b'])
      assert.deepEqual(await ids({ after: 'b', limit: 2 }), ['c'])
    })

    test('are removed once', async () => {
      const { documents } = stage.store
      const document = documentOf(newTenant())
      await documents.create(document)
      assert.equal(await documents.remove({ ...document, kind: 'prompt' }), 'gone')
      assert.equal(await documents.remove(document), 'removed')
      assert.equal(await documents.remove(document), 'gone')
      assert.equal(await documents.find(document), undefined)
    })
  })
}
