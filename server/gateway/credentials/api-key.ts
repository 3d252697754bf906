/** An API key: in `X-API-Key`, or as a bearer token. The issuer that gave it is asked about it. */
import type { Credential } from '../credentials.ts'
import { Refused } from '../exchange.ts'
import { bearerText } from './bearer-text.ts'
import type { Introspector } from './introspect.ts'

const PREFIX = 'lk_'

export const API_KEY_HEADER = 'x-api-key'

/** By how it begins; nothing else that is sent as a bearer token does. */
export const isApiKey = (text: string): boolean => text.startsWith(PREFIX)

export const apiKeyCredential = (introspector: Introspector): Credential => ({
  kind: 'api-key',
  find(arrival) {
    const alone = arrival.headers[API_KEY_HEADER]
    const text = bearerText(arrival)
    const bearer = text !== undefined && isApiKey(text) ? text : undefined
    if (alone !== undefined && bearer !== undefined) throw new Refused({ code: 'several_credentials' })
    return typeof alone === 'string' ? alone : bearer
  },
  read(key, arrival) {
    // Nobody else's key is shown to the issuer.
    if (!isApiKey(key)) throw new Refused({ code: 'invalid_token', detail: 'it is no API key' })
    return introspector.read(key, 'api-key', arrival)
  },
})
