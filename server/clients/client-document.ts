/** A client as the Management API and an export say it, and the one that stands for all of them. */
import { createHash } from 'node:crypto'
import { isObject, type JsonObject } from '../kernel/json.ts'
import type { ClientRecord } from '../store/clients.ts'
import type { DocumentName } from '../store/documents.ts'
import { ID_TOKEN_LIFETIME, resolveClient } from './metadata.ts'

/** Members of Auth0's that have no meaning here, and are kept as they are given. */
export const KEPT_MEMBERS = [
  'addons',
  'allowed_clients',
  'anonymous_sessions',
  'async_approval_notification_channels',
  'b2b_integration_configuration',
  'client_aliases',
  'cross_origin_loc',
  'custom_login_page',
  'custom_login_page_on',
  'custom_login_page_preview',
  'default_organization',
  'encryption_key',
  'express_configuration',
  'external_client_id',
  'external_metadata_created_by',
  'external_metadata_type',
  'fedcm_login',
  'form_template',
  'identity_assertion_authorization_grant',
  'mobile',
  'my_organization_configuration',
  'native_social_login',
  'oidc_backchannel_logout',
  'organization_discovery_methods',
  'par_request_expiry',
  'redirection_policy',
  'require_proof_of_possession',
  'resource_server_identifier',
  'session_transfer',
  'skip_non_verifiable_callback_uri_confirmation_prompt',
  'sso',
  'sso_disabled',
  'third_party_security_mode',
  'token_exchange',
  'token_quota',
  'token_vault_privileged_access',
] as const

/** Of which events and plans tell that they changed, and not what to: some addons of Auth0's hold keys. */
export const SECRET_MEMBERS = ['client_secret', 'addons'] as const

/** Members that a read has and no change can have an effect on. */
export const READ_ONLY_MEMBERS = [
  'client_id',
  'tenant',
  'global',
  'created_at',
  'updated_at',
  'signing_keys',
  'callback_url_template',
] as const

/** With the defaults that somebody would look for. The secret is for its caller to add. */
export function clientToWire(record: ClientRecord, tenantName: string): JsonObject {
  const { type, grantTypes, authentication, isFirstParty } = resolveClient(record, null)
  const { metadata } = record
  const jwt = isObject(metadata['jwt_configuration']) ? metadata['jwt_configuration'] : {}
  return {
    tenant: tenantName,
    global: false,
    is_token_endpoint_ip_header_trusted: false,
    oidc_conformant: true,
    cross_origin_authentication: false,
    custom_login_page_on: true,
    app_type: type,
    is_first_party: isFirstParty,
    grant_types: grantTypes,
    // What a client with keys signs with stands in `client_authentication_methods`, in the place of this.
    ...(authentication !== 'private_key_jwt' && { token_endpoint_auth_method: authentication }),
    ...metadata,
    jwt_configuration: { alg: 'RS256', lifetime_in_seconds: ID_TOKEN_LIFETIME, secret_encoded: false, ...jwt },
    client_id: record.id,
  }
}

/**
 * Auth0's "All Applications": it stands in no table of clients, so nothing can be asked for in its name, and holds what
 * is said of the pages of all.
 */
export const globalClientId = (tenant: string): string =>
  createHash('sha256').update(`global client of ${tenant}`).digest('base64url').slice(0, 32)

export const globalClientName = (tenant: string): DocumentName => ({ tenant, kind: 'global-client', id: 'settings' })

export const globalClientToWire = (tenant: string, tenantName: string, said: JsonObject): JsonObject => ({
  custom_login_page_on: true,
  is_first_party: true,
  oidc_conformant: true,
  ...said,
  tenant: tenantName,
  global: true,
  name: 'All Applications',
  client_id: globalClientId(tenant),
})
