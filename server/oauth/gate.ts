/** The one gate of `tokens/`, for what was given before: from what the store says of it now to an `Active`. */
import type { Client } from '../clients/metadata.ts'
import { membershipOf } from '../identity/organizations.ts'
import type { Instant } from '../kernel/clock.ts'
import type { Standing } from '../store/authorizations.ts'
import { type Active, assertActive } from '../tokens/assert-active.ts'
import type { OAuthServices } from './feature.ts'

/** `hangsOnSession`: what is minted names the session, and so needs it alive. Throws `invalid_grant`. */
export async function passTheGate(
  { connections, store }: OAuthServices,
  client: Client,
  { authorization, user, session }: Standing,
  hangsOnSession: boolean,
  now: Instant,
): Promise<Active> {
  return assertActive({
    user,
    client,
    connection: await connections.find(authorization.tenant, authorization.connection),
    organization: await membershipOf(store, authorization.tenant, authorization.organization, {
      user: authorization.subject,
      connection: authorization.connection,
    }),
    authorization,
    session: hangsOnSession ? session : null,
    now,
  })
}
