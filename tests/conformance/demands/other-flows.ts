/**
 * The implicit, hybrid and form_post plans: the modules of the basic plan in other flows, by the same tests, and what
 * only they ask.
 */
import { by, type Demands, fails, must, warns } from '../demand.ts'
import type { HYBRID_MODULES, IMPLICIT_MODULES } from '../modules.ts'
import { basic } from './basic.ts'

const happy = by('tests/conformance/authorization.test.ts')(
  'oidcc-server: a person signs in, and everything that comes of it is as it has to be',
)
const withoutNonce = by('tests/conformance/authorization.test.ts')(
  'oidcc-ensure-request-without-nonce-fails: an ID token from here answers a nonce, or there is none',
)
const inClaims = by('tests/conformance/claims.test.ts')

const frontAtHash = fails('An ID token that comes with an access token has its at_hash.', happy)
const nonceDemanded = {
  error: fails(
    'Without a nonce the application is told invalid_request, in the way of the flow, or a page is shown.',
    withoutNonce,
  ),
}

const {
  'oidcc-server': server,
  'oidcc-scope-email': email,
  'oidcc-claims-essential': essential,
  'oidcc-idtoken-unsigned': _unsigned,
  'oidcc-ensure-request-without-nonce-succeeds-for-code-flow': _codeFlow,
  'oidcc-codereuse': _reuse,
  'oidcc-codereuse-30seconds': _lateReuse,
  'oidcc-server-client-secret-post': _posted,
  'oidcc-refresh-token': _refresh,
  'oidcc-ensure-request-with-valid-pkce-succeeds': _pkce,
  ...withoutCode
} = basic
const { 'code-length': _length, 'code-entropy': _entropy, 'c-hash': _codeHash, ...serverWithoutCode } = server

/** `response_type` is `id_token` or `id_token token`. */
export const implicit = {
  ...withoutCode,
  'oidcc-server': { ...serverWithoutCode, 'front-at-hash': frontAtHash },
  'oidcc-ensure-request-without-nonce-fails': nonceDemanded,
  'oidcc-scope-email': {
    ...email,
    'id-token-alone': warns(
      'With id_token alone the claims of the scope are in the ID token.',
      inClaims('oidcc-scope-email: the scope opens its two claims, at UserInfo alone'),
    ),
  },
  'oidcc-claims-essential': {
    ...essential,
    'id-token-alone': warns(
      'With id_token alone a claim that was asked for there is in the ID token.',
      inClaims('oidcc-claims-essential: one claim is asked for by name, and comes where it was asked for'),
    ),
  },
} as const satisfies Demands<(typeof IMPLICIT_MODULES)[number]>

/** `response_type` is `code id_token`, `code token` or `code id_token token`. */
export const hybrid = {
  ...basic,
  'oidcc-server': {
    ...server,
    'front-at-hash': frontAtHash,
    'front-c-hash': fails('An ID token that comes with a code has its c_hash.', happy),
  },
  'oidcc-ensure-request-without-nonce-fails': nonceDemanded,
} as const satisfies Demands<(typeof HYBRID_MODULES)[number]>

/** `response_mode=form_post` with the response types of all three plans. */
export const formPost = {
  ...hybrid,
  ...implicit,
  'oidcc-server': {
    ...hybrid['oidcc-server'],
    sent: must(
      'A browser sends the form by itself.',
      by('tests/conformance/form-post.test.ts')(
        'oidcc-server: a browser sends the form by itself, once the person has signed in and consented',
      ),
    ),
  },
} as const satisfies Demands<(typeof HYBRID_MODULES)[number]>
