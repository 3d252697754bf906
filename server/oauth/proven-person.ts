/**
 * Giving tokens to an application of the operator's own that has itself found out who somebody is, by a password or a
 * code. Nobody was at `/authorize`: the authorization begins here, and hangs on no session.
 */
import { authorized } from '../audit/events.ts'
import { ProtocolError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import { LONGEST_TOKEN_LIFE } from '../policy/lifetimes.ts'
import type { Proof } from '../policy/proof.ts'
import type { AuthorizationRecord } from '../store/authorizations.ts'
import type { ConnectionRecord } from '../store/connections.ts'
import type { UserRecord } from '../store/users.ts'
import { assertActive } from '../tokens/assert-active.ts'
import type { Asked, Entitlement, TokenContext } from './feature.ts'

export type TokenRequest = Omit<TokenContext, 'presented'>

export interface ProvenPerson {
  readonly user: UserRecord
  readonly connection: ConnectionRecord
  readonly proof: Proof
}

/** RFC 9700 §2.4: whoever else takes passwords has them. */
export function requireFirstParty({ client }: Pick<TokenRequest, 'client'>, what: string): void {
  if (!client.isFirstParty)
    throw new ProtocolError('unauthorized_client', `Only an application of the operator may take ${what} itself.`)
}

/**
 * These grants give nothing within an organization, as at Auth0. A demand that would narrow what is given is not passed
 * over, and a client that signs people in for one only tries no password and spends no code. Auth0's words.
 */
export function requireNoOrganization({ client, parameters }: Pick<TokenRequest, 'client' | 'parameters'>): void {
  if (parameters.get('organization') !== undefined)
    throw new ProtocolError('invalid_request', 'parameter organization is not allowed for this grant type')
  if (client.organizations.usage === 'require')
    throw new ProtocolError('invalid_request', 'parameter organization is required for this client')
}

/** Throws `invalid_grant` for whoever does not count. */
export const passGate = ({ client, now }: Pick<TokenRequest, 'client' | 'now'>, { user, connection }: ProvenPerson) =>
  assertActive({ user, client, connection, organization: null, authorization: null, session: null, now })

export async function authorizePerson(
  context: TokenRequest,
  { audiences, audience, lasting }: Asked,
  person: ProvenPerson,
): Promise<Entitlement> {
  const { services, tenant, client, occasion, now, writes } = context
  const { user, connection, proof } = person
  const active = passGate(context, person)
  const authorization: AuthorizationRecord = {
    tenant,
    id: newId('aut'),
    subject: user.id,
    client: client.id,
    organization: null,
    session: null,
    connection: connection.id,
    audiences,
    proofs: [proof],
    request: { audience, lasting },
    userEpoch: user.epoch,
    clientEpoch: client.epoch,
    state: 'live',
    createdAt: now,
    expiresAt: now + LONGEST_TOKEN_LIFE,
  }
  await services.store.transaction(async transaction => {
    await transaction.authorizations.create(authorization)
    for (const write of writes) await write(transaction, authorization)
    await transaction.events.record([authorized(occasion, client.id, user.id, authorization.id, audiences)])
  })
  return {
    active,
    authorization: authorization.id,
    audiences,
    audience,
    narrowTo: null,
    session: null,
    proofs: authorization.proofs,
    lasting,
  }
}

export function required({ parameters }: Pick<TokenRequest, 'parameters'>, name: string): string {
  const value = parameters.get(name)
  if (value === undefined) throw new ProtocolError('invalid_request', `${name} is missing.`)
  return value
}
