/** The two kinds of `request_uri`: a name of ours for a pushed request, and the address of a signed one. */

/** RFC 9126 §2.2. */
export const PUSHED_PREFIX = 'urn:ietf:params:oauth:request_uri:'

export const isPushed = (requestUri: string | undefined): requestUri is string =>
  requestUri?.startsWith(PUSHED_PREFIX) ?? false
