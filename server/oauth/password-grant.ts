/**
 * The grant of those who take a person's password themselves: an application that no browser reaches, of the
 * operator's own. What it is given hangs on no session. Its two names are two features; `realm` says with either in
 * which connection the account is, since Auth0's SDKs send it with either.
 */
import { authorized } from '../audit/events.ts'
import { DATABASE_STRATEGY, defaultDirectoryOf } from '../identity/users.ts'
import { ProtocolError, tooManyAttempts } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import { LONGEST_TOKEN_LIFE } from '../policy/lifetimes.ts'
import type { Proof } from '../policy/proof.ts'
import type { AuthorizationRecord } from '../store/authorizations.ts'
import type { ConnectionRecord } from '../store/connections.ts'
import type { UserRecord } from '../store/users.ts'
import { type Active, assertActive } from '../tokens/assert-active.ts'
import { chooseLanguage } from '../words/languages.ts'
import type { Asked, Entitlement, Grant, Presented, TokenContext } from './feature.ts'

type Request = Omit<TokenContext, 'presented'>

interface PresentedPassword extends Presented {
  readonly asked: Asked
  readonly active: Active
  readonly user: UserRecord
  readonly proof: Proof
  readonly connection: ConnectionRecord
}

export const passwordGrant = (type: string): Grant => ({
  type,

  /** Everything that costs nothing comes first: a request that is refused anyway has tried no password. */
  async present(request): Promise<PresentedPassword> {
    const { services, client, parameters, occasion, now } = request
    // RFC 9700 §2.4: whoever else takes passwords has them.
    if (!client.isFirstParty)
      throw new ProtocolError('unauthorized_client', 'Only an application of the operator may take passwords itself.')
    const name = required(parameters.get('username'), 'username')
    const password = required(parameters.get('password'), 'password')
    const asked = await request.asked()
    const connection = await findConnection(request)

    const outcome = await services.signInWithPassword({
      connection,
      name,
      password,
      client: client.id,
      address: occasion.address ?? '',
      browserHash: null,
      correspondence: { issuer: request.issuer, language: chooseLanguage({}) },
      occasion,
    })
    if (outcome.state === 'busy')
      throw new ProtocolError('temporarily_unavailable', 'The server is busy with passwords. Ask again in a moment.', {
        'retry-after': '1',
      })
    if (outcome.state === 'held') throw tooManyAttempts(outcome.freeAt - now)
    // Auth0's words, which its SDKs match on.
    if (outcome.state === 'wrong') throw new ProtocolError('invalid_grant', 'Wrong email or password.')
    const { user, proof } = outcome
    const active = assertActive({
      user,
      client,
      connection,
      organization: null,
      authorization: null,
      session: null,
      now,
    })
    return { request: null, audiences: asked.audiences, asked, active, user, proof, connection }
  },

  async redeem(context): Promise<Entitlement> {
    const { services, tenant, client, occasion, now, writes } = context
    const { asked, active, user, proof, connection } = context.presented as PresentedPassword
    const { audiences, audience, lasting } = asked
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
  },
})

async function findConnection({ services: { store }, tenant, parameters }: Request): Promise<ConnectionRecord> {
  const realm = parameters.get('realm')
  if (realm === undefined) return defaultDirectoryOf(store, tenant)
  const connection = await store.connections.findByName(tenant, realm)
  if (connection?.strategy !== DATABASE_STRATEGY)
    throw new ProtocolError('invalid_request', 'The realm is no connection that has passwords.')
  return connection
}

function required(value: string | undefined, name: string): string {
  if (value === undefined) throw new ProtocolError('invalid_request', `${name} is missing.`)
  return value
}
