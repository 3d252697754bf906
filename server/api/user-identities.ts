/** `/users/{id}/identities`: two accounts of one person become one, and one becomes two again. */
import Type from 'typebox'
import { linkUser, unlinkIdentity } from '../identity/managed-users.ts'
import { identityToWire } from '../identity/user-wire.ts'
import type { Person } from '../store/people.ts'
import { readLinkingToken } from '../tokens/linking-token.ts'
import { ManagementFault, notFound } from './fault.ts'
import { inexistentUser } from './find-user.ts'
import { type Operation, operation } from './operation.ts'
import type { ApiServices } from './services.ts'
import { IDENTITY } from './user-schemas.ts'

const name = (longest: number) => Type.String({ minLength: 1, maxLength: longest })

const WISH = Type.Object(
  {
    provider: Type.Optional(name(100)),
    user_id: Type.Optional(Type.Union([name(300), Type.Integer()])),
    connection_id: Type.Optional(name(100)),
    link_with: Type.Optional(name(16_384)),
  },
  { additionalProperties: false },
)
const IDENTITIES = Type.Array(IDENTITY)

const invalid = (problem: string) => new ManagementFault(400, 'invalid_body', `Payload validation error: ${problem}.`)

export const userIdentities: readonly Operation[] = [
  operation({
    method: 'POST',
    path: '/users/:id/identities',
    summary: 'Make another account a further identity of the user',
    scopes: ['update:users'],
    body: WISH,
    answers: { 201: IDENTITIES },
    async run({ incoming, tenant, path, body, client, occasion }, services) {
      const { store } = services
      const primary = await store.people.find(tenant, path('id'))
      if (!primary) throw inexistentUser()
      const secondary = await secondaryOf(services, incoming, body)
      if (has(primary, secondary)) throw conflict()
      const ids = { primary: primary.user.id, secondary: secondary.user.id }
      const outcome = await store.transaction(transaction =>
        linkUser(transaction, ids, occasion, { client: client.id }),
      )
      if (outcome === 'gone') throw inexistentUser()
      return { status: 201, body: await identitiesOf(services, tenant, primary.user.id) }
    },
  }),
  operation({
    method: 'DELETE',
    path: '/users/:id/identities/:provider/:user_id',
    summary: 'Make an identity a user of its own again',
    scopes: ['update:users'],
    answers: { 200: IDENTITIES },
    async run({ tenant, path, client, occasion }, services) {
      const { store } = services
      const person = await store.people.find(tenant, path('id'))
      if (!person) throw inexistentUser()
      const [provider, subject] = [path('provider'), subjectOf(path('provider'), path('user_id'))]
      const identity = person.identities.find(one => one.provider === provider && one.subject === subject)
      if (!identity) throw notFound('inexistent_identity', 'The user has no such identity.')
      const outcome = await store.transaction(transaction =>
        unlinkIdentity(transaction, person.user.id, identity, occasion, { client: client.id }),
      )
      if (outcome === 'first')
        throw new ManagementFault(400, 'invalid_uri', 'The identity that the id of the user is made of stays with it.')
      if (outcome === 'gone') throw notFound('inexistent_identity', 'The user has no such identity.')
      return { status: 200, body: await identitiesOf(services, tenant, person.user.id) }
    },
  }),
]

async function identitiesOf({ store }: ApiServices, tenant: string, id: string) {
  return (await store.people.find(tenant, id))?.identities.map(identityToWire) ?? []
}

/** The account that is to become part of another: by its provider and its name there, or by an ID token of its own. */
async function secondaryOf(
  services: ApiServices,
  { tenant, issuer }: { readonly tenant: string; readonly issuer: string },
  { provider, user_id: named, connection_id: connection, link_with: token }: Type.Static<typeof WISH>,
): Promise<Person> {
  const { store } = services
  if (token !== undefined) {
    if (provider !== undefined || named !== undefined) throw invalid('link_with stands for provider and user_id')
    const user = await readLinkingToken(services, { tenant, issuer }, token)
    const person = user === undefined ? undefined : await store.people.find(tenant, user)
    if (!person || person.user.blocked) throw invalid('link_with is not an ID token of a user of this tenant')
    return person
  }
  if (provider === undefined || named === undefined) throw invalid('provider and user_id, or link_with, are missing')
  const subject = subjectOf(provider, String(named))
  const id = `${provider}|${subject}`
  const person = await store.people.find(tenant, id)
  if (!person) throw (await isLinked(services, tenant, provider, subject)) ? conflict() : inexistentUser()
  if (connection !== undefined && person.identities[0]?.connection !== connection) throw inexistentUser()
  return person
}

/** With or without its provider before it. */
const subjectOf = (provider: string, id: string): string =>
  id.startsWith(`${provider}|`) ? id.slice(provider.length + 1) : id

const has = (person: Person, { user }: Person): boolean => person.user.id === user.id

async function isLinked({ store }: ApiServices, tenant: string, provider: string, subject: string): Promise<boolean> {
  const is = (field: string, value: string) => ({ kind: 'is', field, value, place: 1 }) as const
  const query = {
    kind: 'all',
    of: [is('identities.provider', provider), is('identities.user_id', subject)],
  } as const
  return (await store.people.after(tenant, { query, connection: null }, null, 1)).length > 0
}

const conflict = () =>
  new ManagementFault(409, 'identity_conflict', 'The identity is one of this user, or of another, already.')
