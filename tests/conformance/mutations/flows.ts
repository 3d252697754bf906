/** The flows that stand for their plans, and those in which one thing shows: by what the suites around the tests are called. */

export const IMPLICIT_FLOW = 'id_token token by fragment'
export const HYBRID_FLOW = 'code id_token token by fragment'
export const FORM_FLOW = 'code id_token token by form_post'
/** With neither an access token nor a code. */
export const ALONE = 'id_token by fragment'
/** With no ID token in front. */
export const BEHIND = 'code token by fragment'
export const BEHIND_FORM = 'code token by form_post'
