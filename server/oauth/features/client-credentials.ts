/**
 * A machine asks as itself. It touches no database: client, grant and key are cached, and the event follows
 * within 50 ms. What it may ask is its client grant's to say, deny by default.
 */
import { machineTokenIssued } from '../../audit/events.ts'
import { isPublic } from '../../clients/metadata.ts'
import { ProtocolError } from '../../kernel/errors.ts'
import { assertActiveMachine } from '../../tokens/assert-active.ts'
import { namedAudience } from '../audiences.ts'
import type { Entitlement, Feature, Presented, TokenContext } from '../feature.ts'
import { openToMachine } from '../permitted.ts'

interface PresentedMachine extends Presented {
  readonly audience: string
  readonly scopes: readonly string[]
}

export const clientCredentials: Feature = {
  name: 'client-credentials',
  spec: 'RFC 6749 §4.4',
  grant: { type: 'client_credentials', present, redeem },
}

async function present({
  services,
  issuer,
  tenant,
  client,
  parameters,
}: Omit<TokenContext, 'presented'>): Promise<PresentedMachine> {
  // RFC 6749 §4.4.2: for clients that authenticate. A name alone proves nothing.
  if (isPublic(client)) throw new ProtocolError('unauthorized_client', 'A public client cannot act as itself.')
  const audience = namedAudience(parameters) ?? (await services.tenants.find(tenant)).defaultAudience ?? undefined
  if (audience === undefined) throw new ProtocolError('invalid_target', 'audience is missing.')
  const granted = await openToMachine(services, client, issuer, audience)
  if (!granted) throw new ProtocolError('unauthorized_client', 'The client has no grant for this audience.')

  const asked = parameters.get('scope')?.split(' ').filter(Boolean)
  if (asked?.some(scope => !granted.includes(scope)))
    throw new ProtocolError('invalid_scope', 'The client grant does not hold every scope that is asked for.')
  return { request: null, audience, scopes: asked ?? granted }
}

async function redeem({ services, client, occasion, presented }: TokenContext): Promise<Entitlement> {
  const { audience, scopes } = presented as PresentedMachine
  const active = assertActiveMachine(client)
  services.audit.add(machineTokenIssued(occasion, client.id, audience, scopes))
  return {
    active,
    authorization: MACHINE,
    audiences: { [audience]: scopes },
    audience,
    narrowTo: null,
    session: null,
    proofs: [],
    lasting: {},
  }
}

/** In the place of an authorization's id: a machine's tokens end with its client's epoch. */
const MACHINE = 'm2m'
