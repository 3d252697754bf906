/** Where mail and tickets lead that a machine asks for: to the host it names in `Auth0-Custom-Domain`, or to the default domain. */
import { issuerFor } from '../tenants/custom-domains.ts'
import { ManagementFault } from './fault.ts'
import type { Call } from './operation.ts'
import type { ApiServices } from './services.ts'

/** Throws for a host that is not the tenant's. */
export async function mailIssuer(
  { tenant, incoming }: Pick<Call<unknown, unknown>, 'tenant' | 'incoming'>,
  { store }: Pick<ApiServices, 'store'>,
): Promise<string> {
  const issuer = await issuerFor(store, tenant, incoming.header('auth0-custom-domain'), incoming.issuer)
  if (issuer === undefined)
    throw new ManagementFault(400, 'invalid_custom_domain', 'Auth0-Custom-Domain names no verified domain.')
  return issuer
}
