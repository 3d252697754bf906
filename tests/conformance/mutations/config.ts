// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what is replaced is source
/** What the config plan has to notice in discovery. */
import type { CONFIG_MODULES } from '../modules.ts'
import { inFile, type Mutations } from '../mutation.ts'

const inDiscovery = inFile('server/oauth/discovery.ts')
const inInteraction = inFile('server/oauth/features/interaction.ts')
const inOpenid = inFile('server/oauth/features/openid.ts')
const inRequestObject = inFile('server/oauth/features/request-object.ts')
const inUserinfo = inFile('server/oauth/features/userinfo.ts')

/** An address that a server behind a proxy might make up of what it sees itself. */
const INSECURE = "issuer.replace('https:', 'http:')"

export const config = {
  'oidcc-discovery-endpoint-verification': [
    inDiscovery('json(200, await describeServer', 'json(203, await describeServer'),
    inDiscovery(
      '    issuer,\n    authorization_endpoint',
      '    issuer: issuer.slice(0, -1),\n    authorization_endpoint',
    ),
    inDiscovery('    issuer,\n    authorization_endpoint', `    issuer: ${INSECURE},\n    authorization_endpoint`),
    inRequestObject('request_uri_parameter_supported: true', "request_uri_parameter_supported: 'yes'"),
    inDiscovery('jwks_uri: `', 'ours: true, jwks_uri: `'),
    inDiscovery('supportedResponseTypes(features),', "['token'],"),
    inOpenid("['public', 'pairwise']", "['private']"),
    inDiscovery('await keyring.algorithms(id),', "['ES256'],"),
    inDiscovery('authorization_endpoint: `${issuer}', `authorization_endpoint: ${INSECURE} + \``),
    inDiscovery('token_endpoint: `${issuer}', `token_endpoint: ${INSECURE} + \``),
    inUserinfo('userinfo_endpoint: `${issuer}', `userinfo_endpoint: ${INSECURE} + \``),
    inFile('server/oauth/features/revocation.ts')(
      'revocation_endpoint: `${issuer}',
      `revocation_endpoint: ${INSECURE} + \``,
    ),
    inDiscovery('await services.keyring.jwks(tenant)', '{ keys: [] }'),
    inFile('server/keys/key-set.ts')(
      'keys.map(({ publicKey }) => publicKey)',
      "keys.map(({ publicKey }) => ({ ...publicKey, d: 'AQ' }))",
    ),
    inRequestObject('_values_supported: REQUEST_OBJECT_ALGORITHMS', "_values_supported: ['ES256']"),
    inOpenid('    claims_supported: [', '    acr_values_supported: ['),
    inOpenid("const SCOPES = ['openid', ", 'const SCOPES = ['),
    inOpenid('scopes_supported: SCOPES', "scopes_supported: [...SCOPES, 'two words']"),
    inInteraction('ui_locales_supported: languages', "ui_locales_supported: ['xq']"),
    inInteraction('ui_locales_supported: languages', "ui_locales_supported: ['EN-gb']"),
    inFile('server/oauth/features/pkce.ts')("supported: ['S256']", "supported: ['S512']"),
    inUserinfo('userinfo_endpoint: `${issuer}userinfo`,', ''),
  ],
} as const satisfies Mutations<(typeof CONFIG_MODULES)[number]>
