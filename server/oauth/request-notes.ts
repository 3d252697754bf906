/**
 * Under which name a request says that it was pushed, signed or given a challenge. Nothing that a client sends is kept
 * there but by the feature of that name, so whoever is bound to one of these is held to it where no such feature is.
 */
export const PUSHED_NOTE = 'par'
export const SIGNED_NOTE = 'request-object'
export const CHALLENGED_NOTE = 'pkce'
