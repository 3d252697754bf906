/**
 * `/actions/actions`: that there are none, which is true, and which auth0-deploy-cli has to hear before it looks at databases
 * at all. What would make one stands in `not-built.ts`.
 */
import Type from 'typebox'
import { type Operation, operation } from './operation.ts'
import { OFFSET_QUERY, pagingOf } from './paging.ts'

const QUERY = Type.Object({
  ...OFFSET_QUERY,
  triggerId: Type.Optional(Type.String()),
  actionName: Type.Optional(Type.String()),
  deployed: Type.Optional(Type.Boolean()),
  installed: Type.Optional(Type.Boolean()),
})

export const actions: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/actions/actions',
    summary: 'List actions, of which there are none',
    scopes: ['read:actions'],
    query: QUERY,
    answers: {
      200: Type.Object({
        actions: Type.Array(Type.Never()),
        total: Type.Integer(),
        page: Type.Integer(),
        per_page: Type.Integer(),
      }),
    },
    async run({ query }) {
      const { page = 0 } = query
      const { limit } = pagingOf(query)
      // Always in an envelope of its own, as with Auth0.
      return { status: 200, body: { actions: [], total: 0, page, per_page: limit } }
    },
  }),
]
