/**
 * `/tickets`: links that an operator hands over himself, to a new password or to a confirmed address. Opening one spends
 * nothing, as mail scanners open links too; the button of its page does.
 */
import Type from 'typebox'
import { managed } from '../audit/events.ts'
import type { Client } from '../clients/metadata.ts'
import { isDatabase } from '../identity/directories.ts'
import { issueVerification } from '../identity/email-verification.ts'
import type { Onward } from '../identity/onward.ts'
import { issueReset } from '../identity/password-reset.ts'
import { isAllowedResult } from '../identity/result-urls.ts'
import { DAY, SECOND } from '../kernel/seconds.ts'
import { emailKey } from '../policy/email-address.ts'
import { passwordIdOf } from '../store/credentials.ts'
import type { IdentityRecord, UserRecord } from '../store/users.ts'
import { ManagementFault, notFound } from './fault.ts'
import { mailIssuer } from './mail-issuer.ts'
import { type Operation, operation } from './operation.ts'
import type { ApiServices } from './services.ts'

/** Auth0's, where none is asked for. */
const USUAL_LIFE = 5 * DAY
/** Whoever finds a link in an old mailbox is to find it dead. */
const LONGEST_LIFE = 30 * DAY
const LONGEST_URL = 2000

const COMMON = {
  result_url: Type.Optional(Type.String({ minLength: 1, maxLength: LONGEST_URL })),
  client_id: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  ttl_sec: Type.Optional(Type.Integer({ minimum: 0, maximum: LONGEST_LIFE / SECOND })),
  includeEmailInRedirect: Type.Optional(Type.Boolean()),
  identity: Type.Optional(
    Type.Object(
      {
        user_id: Type.String({ minLength: 1 }),
        provider: Type.String({ minLength: 1 }),
        connection_id: Type.Optional(Type.String({ minLength: 1 })),
      },
      { additionalProperties: false },
    ),
  ),
}
const USER_ID = Type.String({ minLength: 1, maxLength: 255 })
const ANSWERS = { 201: Type.Object({ ticket: Type.String() }) }

interface Wish {
  readonly result_url?: string
  readonly client_id?: string
  readonly ttl_sec?: number
  readonly includeEmailInRedirect?: boolean
  readonly identity?: { readonly user_id: string; readonly provider: string; readonly connection_id?: string }
}

const invalid = (problem: string) => new ManagementFault(400, 'invalid_body', `Payload validation error: ${problem}.`)
const inexistentUser = () => notFound('inexistent_user', 'The user does not exist.')

/** In milliseconds. */
const lifeOf = ({ ttl_sec: seconds }: Wish): number => (seconds ? seconds * SECOND : USUAL_LIFE)

async function onwardOf({ store, clients }: ApiServices, tenant: string, wish: Wish): Promise<Onward> {
  const { result_url: resultUrl = null, client_id: id = null, includeEmailInRedirect: withEmail = false } = wish
  if (resultUrl !== null && id !== null) throw invalid('result_url and client_id are both there')
  const client: Client | undefined = id === null ? undefined : await clients.find(tenant, id)
  if (id !== null && !client) throw invalid('client_id is no client of this tenant')
  if (resultUrl !== null && !(await isAllowedResult(store, tenant, resultUrl)))
    throw invalid(
      'result_url has to have the origin of a URL that a client has registered, or one of the allowed_logout_urls of the tenant',
    )
  return { resultUrl, withEmail, client: id }
}

/** The identity that is named, or the first. */
function identityOf(wish: Wish, identities: readonly IdentityRecord[]): IdentityRecord | undefined {
  const { identity: named } = wish
  return identities.find(
    one =>
      !named ||
      (one.provider === named.provider &&
        one.subject === named.user_id &&
        (named.connection_id === undefined || one.connection === named.connection_id)),
  )
}

async function findPerson(
  { store }: ApiServices,
  tenant: string,
  { user_id: id, email, connection_id: connection }: { user_id?: string; email?: string; connection_id?: string },
): Promise<{ readonly user: UserRecord; readonly identities: readonly IdentityRecord[] }> {
  if (id !== undefined) {
    if (email !== undefined || connection !== undefined)
      throw invalid('user_id goes with neither email nor connection_id')
    const user = await store.users.find(tenant, id)
    if (!user) throw inexistentUser()
    return { user, identities: await store.users.identitiesOf(tenant, id) }
  }
  if (email === undefined || connection === undefined) throw invalid('user_id is missing, or email with connection_id')
  if (!(await store.connections.find(tenant, connection)))
    throw notFound('inexistent_connection', 'The connection does not exist.')
  const found = await store.users.findByIdentity(tenant, connection, { emailKey: emailKey(email) })
  if (!found) throw inexistentUser()
  return { user: found.user, identities: [found.identity] }
}

export const tickets: readonly Operation[] = [
  operation({
    method: 'POST',
    path: '/tickets/password-change',
    summary: 'Make a link by which a user chooses a new password',
    scopes: ['create:user_tickets'],
    body: Type.Object(
      {
        ...COMMON,
        user_id: Type.Optional(USER_ID),
        email: Type.Optional(Type.String({ minLength: 1, maxLength: 254 })),
        connection_id: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
        mark_email_as_verified: Type.Optional(Type.Boolean()),
      },
      { additionalProperties: false },
    ),
    answers: ANSWERS,
    async run({ tenant, body, client, incoming, now, occasion }, services) {
      const { user, identities } = await findPerson(services, tenant, body)
      const identity = identityOf(body, identities)
      if (!identity) throw inexistentUser()
      if (!isDatabase(await services.store.connections.find(tenant, identity.connection)))
        throw new ManagementFault(400, 'invalid_connection', 'The user has no password in that connection.')
      if (user.blocked) throw new ManagementFault(400, 'user_blocked', 'The user is blocked.')
      const issuer = await mailIssuer({ tenant, incoming }, services)
      const onward = await onwardOf(services, tenant, body)
      const wish = {
        user,
        connection: identity.connection,
        passwordId: passwordIdOf(identity),
        // Of the address of an account that is part of another nothing is confirmed.
        confirms: body.mark_email_as_verified === true && identity.ordinal === 0,
        onward,
        life: lifeOf(body),
      }
      const secret = await services.store.transaction(async transaction => {
        await transaction.events.record([
          managed(occasion, { client: client.id }, 'ticket', user.id, 'created', { type: 'password-change' }),
        ])
        return issueReset(transaction, wish, now)
      })
      return { status: 201, body: { ticket: `${issuer}reset-password/${secret}` } }
    },
  }),

  operation({
    method: 'POST',
    path: '/tickets/email-verification',
    summary: 'Make a link by which a user confirms their address',
    scopes: ['create:user_tickets'],
    body: Type.Object({ ...COMMON, user_id: USER_ID }, { additionalProperties: false }),
    answers: ANSWERS,
    async run({ tenant, body, client, incoming, now, occasion }, services) {
      const { user, identities } = await findPerson(services, tenant, { user_id: body.user_id })
      const identity = identityOf(body, identities)
      if (!identity) throw inexistentUser()
      if (identity.ordinal !== 0) throw invalid('identity has to be the first of the user')
      const { email } = user
      if (email === null) throw new ManagementFault(400, 'inexistent_email', 'The user does not have an email address.')
      const issuer = await mailIssuer({ tenant, incoming }, services)
      const onward = await onwardOf(services, tenant, body)
      const secret = await services.store.transaction(async transaction => {
        await transaction.events.record([
          managed(occasion, { client: client.id }, 'ticket', user.id, 'created', { type: 'email-verification' }),
        ])
        return issueVerification(transaction, { tenant, id: user.id, email }, { onward, life: lifeOf(body) }, now)
      })
      return { status: 201, body: { ticket: `${issuer}verify-email/${secret}` } }
    },
  }),
]
