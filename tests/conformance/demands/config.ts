/** The config plan: one module, which reads discovery and asks nobody to sign in. */
import { by, type Demands, fails, must, warns } from '../demand.ts'
import type { CONFIG_MODULES } from '../modules.ts'

const inDiscovery = by('tests/conformance/discovery.test.ts')

const read = inDiscovery('oidcc-discovery-endpoint-verification: what the issuer says of itself is sound')
const secure = inDiscovery(
  'oidcc-discovery-endpoint-verification: an https issuer has https endpoints, behind a proxy too',
)

export const config = {
  'oidcc-discovery-endpoint-verification': {
    answer: must('The answer is 200 and application/json.', read),
    issuer: fails('issuer is the address of the document without its suffix.', read),
    'issuer-form': fails('The issuer is https and has a host, and no query, fragment or user.', secure),
    'member-types': fails('Known members have the types of their specifications.', read),
    'unknown-members': warns('There are no unknown members.', read),
    'response-types': must('response_types_supported lists a known one.', read),
    'subject-types': must('subject_types_supported lists public or pairwise.', read),
    rs256: must('id_token_signing_alg_values_supported lists RS256.', read),
    'authorization-endpoint': must('authorization_endpoint is https.', secure),
    'token-endpoint': must('token_endpoint is https.', secure),
    'userinfo-endpoint': must('userinfo_endpoint is https.', secure),
    endpoints: must('So is every other member whose name ends in _endpoint.', secure),
    'key-set': must('jwks_uri is there, and its keys pass what is asked in every module.', read),
    'request-objects': warns('request_object_signing_alg_values_supported, if there, lists RS256.', read),
    'claims-supported': warns('claims_supported is there.', read),
    'grant-types': must('grant_types_supported, if there, is a list and not empty.', read),
    'scopes-supported': warns('scopes_supported is there.', read),
    openid: fails('It lists openid.', read),
    'scope-characters': fails('Its members are scope tokens.', read),
    locales: fails('Members of ui_locales_supported and claims_locales_supported have registered subtags.', read),
    'locale-casing': warns('They are written in canonical letters.', read),
    pkce: must('code_challenge_methods_supported, if there, is a list with S256 or plain.', read),
    userinfo: warns('userinfo_endpoint is there.', read),
  },
} as const satisfies Demands<(typeof CONFIG_MODULES)[number]>
