/** An opaque token as a bearer token: whatever is sent as one and is neither a JWT nor an API key. Its issuer is asked about it. */
import type { Credential } from '../credentials.ts'
import { isApiKey } from './api-key.ts'
import { bearerText, isJwt } from './bearer-text.ts'
import type { Introspector } from './introspect.ts'

export const opaqueCredential = (introspector: Introspector): Credential => ({
  kind: 'opaque',
  find(arrival) {
    const text = bearerText(arrival)
    return text === undefined || isApiKey(text) || isJwt(text) ? undefined : text
  },
  read: (token, arrival) => introspector.read(token, 'opaque', arrival),
})
