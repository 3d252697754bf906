/** `/grants`: what people allowed applications. One that is taken back ends all that was given on the strength of it. */
import Type from 'typebox'
import { consentToWire, readConsentId, withdrawConsent, withdrawOneConsent } from '../identity/consents.ts'
import { notFound } from './fault.ts'
import { findUser } from './find-user.ts'
import { type Operation, operation } from './operation.ts'
import { listOf, listReply, OFFSET_QUERY, pagingOf } from './paging.ts'

const GRANT = Type.Object({
  id: Type.String(),
  clientID: Type.String(),
  user_id: Type.String(),
  audience: Type.String(),
  scope: Type.Array(Type.String()),
  organization_id: Type.Optional(Type.String()),
})
const NAME = Type.Optional(Type.String({ minLength: 1 }))

export const grants: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/grants',
    summary: 'List what users allowed clients',
    scopes: ['read:grants'],
    query: Type.Object({ ...OFFSET_QUERY, user_id: NAME, client_id: NAME, audience: NAME }),
    answers: { 200: listOf('grants', GRANT) },
    async run({ tenant, query }, { store }) {
      const paging = pagingOf({ page: query.page, per_page: query.per_page, include_totals: query.include_totals })
      if (paging.kind !== 'offset') throw new TypeError('nothing that begins a checkpoint was given')
      const of = { user: query.user_id, client: query.client_id, audience: query.audience }
      const [page, total] = await Promise.all([
        store.consents.page(tenant, of, { skip: paging.start, limit: paging.limit }),
        paging.withTotals ? store.consents.count(tenant, of) : undefined,
      ])
      return listReply('grants', paging, { items: page.map(consentToWire), total })
    },
  }),

  operation({
    method: 'DELETE',
    path: '/grants',
    summary: 'Take back all that a user allowed',
    scopes: ['delete:grants'],
    query: Type.Object({ user_id: Type.String({ minLength: 1 }) }),
    answers: { 204: null },
    async run({ tenant, query, client: caller, now, occasion }, { store }) {
      const user = await findUser(store, tenant, query.user_id)
      const given = await store.consents.ofUser(tenant, user.id)
      for (const client of new Set(given.map(consent => consent.client)))
        await withdrawConsent(store, { tenant, user: user.id, client }, occasion, now, { machine: caller.id })
      return { status: 204 }
    },
  }),

  operation({
    method: 'DELETE',
    path: '/grants/:id',
    summary: 'Take back what a user allowed a client to do with one API',
    scopes: ['delete:grants'],
    answers: { 204: null },
    async run({ tenant, path, client, now, occasion }, { store }) {
      const consent = readConsentId(tenant, path('id'))
      const by = { machine: client.id }
      if (!consent || !(await withdrawOneConsent(store, consent, occasion, now, by)))
        throw notFound('inexistent_grant', 'The grant does not exist.')
      return { status: 204 }
    },
  }),
]
