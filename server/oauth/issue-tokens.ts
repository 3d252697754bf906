/** From what a client is entitled to, to tokens: shaped by the features, made by `tokens/mint.ts`. The same at both endpoints. */
import { parseObject } from '@latchkey/sdk/strict-json'
import type { ResourceServer } from '../clients/resource-servers.ts'
import { findSystemApi } from '../clients/system-apis.ts'
import { ProtocolError } from '../kernel/errors.ts'
import { userinfoAudience } from '../tokens/access-token.ts'
import { mint } from '../tokens/mint.ts'
import { findApi, isForThisApi } from './audiences.ts'
import type { Basis, Entitlement, Feature, ShapeContext } from './feature.ts'
import { type Permitted, permittedScopes } from './permitted.ts'
import { runPhase } from './phases.ts'

/** Which tokens, an ID token only where there is one to have; and the code that goes with them. */
interface Wanted {
  readonly accessToken: boolean
  readonly idToken: boolean
  readonly code: string | null
}

/** RFC 6749 §4.2.2 and §5.1, OpenID Connect Core §3.1.3.3 and §3.2.2.5. */
interface Issued {
  readonly access_token?: string
  readonly token_type?: 'Bearer'
  readonly expires_in?: number
  readonly scope?: string
  readonly id_token?: string
}

export async function issueTokens(
  features: readonly Feature[],
  basis: Basis,
  entitlement: Entitlement,
  wanted: Wanted,
): Promise<Issued> {
  const { services, issuer, tenant, now } = basis
  const { active, authorization, session, proofs } = entitlement
  const shape: ShapeContext = { ...basis, entitlement, idToken: null, idTokenClaims: [] }
  await runPhase('token.shape', features, shape)

  const api =
    (active.user === null && findSystemApi(tenant, issuer, entitlement.audience)) ||
    (await findApi(services.resourceServers, tenant, issuer, entitlement.audience))
  const { scopes, permissions } = await scopesFor(services, entitlement, api, issuer)
  const { namesOrganizations } = await services.tenants.find(tenant)
  const common = { issuer, now, scopes, session, proofs, namesOrganizations }
  const isAlone = !wanted.accessToken && wanted.code === null
  const { accessToken, idToken } = await mint({
    keyring: services.keyring,
    subjects: services.subjects,
    noteLeftOut: services.noteLeftOut,
    tenant,
    active,
    accessToken: wanted.accessToken ? { ...common, api, permissions, authorization } : null,
    idToken:
      wanted.idToken && shape.idToken
        ? { ...common, ...shape.idToken, claims: shape.idTokenClaims, isAlone, code: wanted.code }
        : null,
  })
  if (services.meter) {
    const grant = 'grantType' in basis ? String(basis.grantType) : 'authorize'
    if (accessToken) services.meter.tokenIssued({ kind: 'access', grant, algorithm: accessToken.algorithm })
    if (idToken !== null) services.meter.tokenIssued({ kind: 'id', grant, algorithm: algorithmOf(idToken) })
  }
  return {
    ...(accessToken && {
      access_token: accessToken.token,
      token_type: 'Bearer',
      expires_in: accessToken.lifetimeSeconds,
      scope: scopes.join(' '),
    }),
    ...(idToken !== null && { id_token: idToken }),
  }
}

/** As its header says: the signer chose it. */
const algorithmOf = (token: string): string =>
  String(parseObject(Buffer.from(token.split('.', 1)[0] ?? '', 'base64url'))?.['alg'])

/** The issuer's own scopes go with every token, an API's only with its own, as far as they are permitted now. */
async function scopesFor(
  services: Basis['services'],
  { active, audiences, narrowTo, lasting }: Entitlement,
  api: ResourceServer | null,
  issuer: string,
): Promise<Permitted> {
  if (api && active.user !== null && !isForThisApi(lasting, api))
    throw new ProtocolError('invalid_target', 'The audience was not granted.')
  const permitted = api && (await permittedScopes(services, active, api, audiences[api.identifier] ?? []))
  const all = [...(audiences[userinfoAudience(issuer)] ?? []), ...(permitted?.scopes ?? [])]
  return {
    scopes: narrowTo === null ? all : all.filter(scope => narrowTo.includes(scope)),
    permissions: permitted?.permissions ?? null,
  }
}
