/**
 * The authorization code: given at `/authorize`, redeemed once at the token endpoint. A second try by a caller
 * that has proven everything means that two hold the code, and ends what it gave; a try by anybody else is
 * refused and costs the rightful one nothing.
 */
import { codeGuessed, codeRedeemed, codeReused } from '../../audit/events.ts'
import { ProtocolError } from '../../kernel/errors.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { randomSecret, sha256 } from '../../kernel/secrets.ts'
import { CODE_LIFE } from '../../policy/lifetimes.ts'
import type { AuthorizationRequest } from '../../policy/next-step.ts'
import { answersWith } from '../../policy/response-types.ts'
import { revokeAuthorization } from '../../revocation/revoke.ts'
import { chooseAudience } from '../audiences.ts'
import type { Entitlement, Feature, Presented, TokenContext } from '../feature.ts'
import { passTheGate } from '../gate.ts'

const CODE_TICKET = 'code'
/** Enough for a client's mistake, too few to learn anything. */
const MOST_WRONG_PROOFS = 5

interface CodeData extends JsonObject {
  readonly request: AuthorizationRequest
  readonly session: string
}

interface PresentedCode extends Presented {
  readonly request: AuthorizationRequest
  readonly authorization: string
  readonly session: string
  readonly ticket: string
}

export const authorizationCode: Feature = {
  name: 'authorization-code',
  spec: 'RFC 6749 §4.1',
  answers: ['code'],
  steps: {
    'authorize.respond': async ({ transaction, tenant, request, authorization, session, user, now, answer }) => {
      if (!answersWith(request.responseType, 'code')) return
      const code = randomSecret()
      const data: CodeData = { request, session }
      await transaction.tickets.issue({
        tenant,
        id: sha256(code),
        kind: CODE_TICKET,
        data,
        subject: user,
        authorization: authorization.id,
        createdAt: now,
        expiresAt: now + CODE_LIFE,
      })
      answer['code'] = code
    },
  },
  grant: { type: 'authorization_code', present, redeem, misproven },
}

/** RFC 6749 §4.1.3: the code, of this client, for the redirect URI it was given for. */
async function present({
  services,
  tenant,
  client,
  parameters,
  now,
}: Omit<TokenContext, 'presented'>): Promise<PresentedCode> {
  const code = parameters.get('code')
  if (code === undefined) throw new ProtocolError('invalid_request', 'code is missing.')
  const id = sha256(code)
  const ticket = await services.store.tickets.peek<CodeData>(tenant, CODE_TICKET, id, now)
  if (!ticket?.authorization) throw invalidCode()

  const { request, session } = ticket.data
  if (request.client !== client.id) throw invalidCode()
  const redirectUri = parameters.get('redirect_uri')
  if (
    request.redirectUriWasSent
      ? redirectUri !== request.redirectUri
      : redirectUri !== undefined && redirectUri !== request.redirectUri
  )
    throw new ProtocolError('invalid_grant', 'The redirect_uri is not the one the code was given for.')
  return { request, audiences: request.audiences, session, authorization: ticket.authorization, ticket: id }
}

async function redeem(context: TokenContext): Promise<Entitlement> {
  const { services, tenant, client, parameters, occasion, now, writes } = context
  const { request, session, authorization: id, ticket } = context.presented as PresentedCode

  const redeemed = await services.store.transaction(async transaction => {
    const spent = await transaction.tickets.consume(tenant, CODE_TICKET, ticket, now)
    const found = spent === 'gone' ? undefined : await transaction.authorizations.standing(tenant, id, session)
    if (!found) return undefined
    const { authorization } = found
    if (spent === 'replayed') {
      // Whoever came first is not known to be the rightful one: both lose (RFC 6749 §4.1.2).
      await revokeAuthorization(transaction, authorization, now)
      await transaction.events.record([codeReused(occasion, client.id, authorization.subject, id)])
      return undefined
    }
    // Throws what takes the spending back: a client that asks too much keeps its code.
    const audience = chooseAudience(parameters, authorization.audiences, request.audience)
    for (const write of writes) await write(transaction, authorization)
    await transaction.events.record([codeRedeemed(occasion, client.id, authorization.subject, id)])
    return { standing: found, audience }
  })
  if (!redeemed) throw invalidCode()

  const { standing, audience } = redeemed
  const active = await passTheGate(services, client, standing, true, now)
  const { audiences, proofs } = standing.authorization
  return { active, authorization: id, audiences, audience, narrowTo: null, session, proofs, lasting: request.lasting }
}

/** Somebody holds a code and cannot prove that it is theirs. */
async function misproven({ services, tenant, client, occasion, now, presented }: TokenContext): Promise<void> {
  const { ticket, authorization } = presented as PresentedCode
  const tries = await services.store.tickets.fail(tenant, CODE_TICKET, ticket, MOST_WRONG_PROOFS, now)
  services.audit.add(codeGuessed(occasion, client.id, authorization, tries))
}

/** The same for a code that never was, is over, or is another client's. Auth0's wording. */
const invalidCode = (): ProtocolError => new ProtocolError('invalid_grant', 'Invalid authorization code')
