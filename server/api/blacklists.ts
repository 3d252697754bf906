/**
 * `/blacklists/tokens`: access tokens that are refused from now on, wherever they are shown. Each is listed for as long as
 * any token could be valid; nothing else is known of it here.
 */
import Type from 'typebox'
import { accessTokenListed } from '../audit/events.ts'
import { endToken } from '../revocation/revoke.ts'
import { type Operation, operation } from './operation.ts'

const AUDIENCE = Type.Optional(Type.String({ maxLength: 600 }))
/** All that are answered: whoever has more asks by audience. */
const MOST_LISTED = 1000

export const blacklists: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/blacklists/tokens',
    summary: 'List the tokens of an audience that were ended by name',
    scopes: ['blacklist:tokens'],
    query: Type.Object({ aud: AUDIENCE }),
    answers: { 200: Type.Array(Type.Object({ aud: Type.String(), jti: Type.String() })) },
    async run({ tenant, query, now }, { store }) {
      const ended = await store.endedTokens.list(tenant, query.aud ?? '', now, MOST_LISTED)
      return { status: 200, body: ended.map(({ audience, jti }) => ({ aud: audience, jti })) }
    },
  }),

  operation({
    method: 'POST',
    path: '/blacklists/tokens',
    summary: 'End a token by its jti, everywhere',
    scopes: ['blacklist:tokens'],
    body: Type.Object(
      { jti: Type.String({ minLength: 1, maxLength: 500 }), aud: AUDIENCE },
      { additionalProperties: false },
    ),
    answers: { 204: null },
    async run({ tenant, body, client, now, occasion }, { store }) {
      const { jti, aud: audience = '' } = body
      await store.transaction(async transaction => {
        if (!(await endToken(transaction, { tenant, jti, audience }, now))) return
        await transaction.events.record([accessTokenListed(occasion, { machine: client.id }, jti, audience)])
      })
      return { status: 204 }
    },
  }),
]
