/**
 * A JWT as a bearer token: verified once by the SDK, and known by a look-up from then on. Whom it stands for is read here;
 * whether that is enough, now and for this route, is `judge.ts`'s.
 */
import { parseObject } from '@latchkey/sdk/strict-json'
import {
  allowAlgorithms,
  type DecryptionKey,
  decryptToken,
  isEncrypted,
  KeysUnavailableError,
  VerificationError,
  verifySignature,
} from '@latchkey/sdk/verify'
import type { Instant } from '../../kernel/clock.ts'
import type { JsonObject } from '../../kernel/json.ts'
import type { Credential } from '../credentials.ts'
import { type Caller, Refused } from '../exchange.ts'
import { type EdgeIssuer, factsOf } from '../issuers.ts'
import type { TokenCache } from '../token-cache.ts'
import { bearerText, isJwt } from './bearer-text.ts'
import { saidAlike, scopesIn } from './said-alike.ts'

/** Whom a JWT stands for, wherever it was found. Throws or rejects with `Refused`. */
export type TokenReader = (token: string, now: Instant) => Caller | Promise<Caller>

export function bearerCredential(...known: Parameters<typeof createTokenReader>): Credential {
  const read = createTokenReader(...known)
  return {
    kind: 'bearer',
    find(arrival) {
      const text = bearerText(arrival)
      return text !== undefined && isJwt(text) ? text : undefined
    },
    read: (token, { now }) => read(token, now),
  }
}

/** Encrypted tokens are opened first, and known by what was sent: whoever sends the same again sends what was opened. */
export function createTokenReader(
  issuers: readonly EdgeIssuer[],
  cache: TokenCache,
  decryptionKeys: readonly DecryptionKey[] = [],
): TokenReader {
  const readers = new Map(
    issuers.map(issuer => [issuer.plan.issuer, { issuer, allowed: allowAlgorithms(issuer.plan.algorithms) }]),
  )
  const [only] = issuers.length === 1 ? readers.values() : []

  async function verify(sent: string): Promise<Caller> {
    const token = await open(sent)
    const reader = only ?? readers.get(issuerSaidBy(token))
    if (!reader) throw new Refused({ code: 'invalid_token', detail: 'no issuer of the file is the one it names' })
    const { issuer, allowed } = reader
    // From before: what is verified with a key that goes meanwhile is to be verified again.
    const keysVersion = issuer.keysVersion()
    try {
      const signed = saidAlike(await verifySignature(token, issuer.keys, allowed))
      const claims = signed.claims as JsonObject
      return { ...callerOf(issuer, claims, signed.header.kid), kind: 'bearer', keysVersion, signed, soundAt: -1 }
    } catch (error) {
      throw refusalOf(error)
    }
  }

  async function open(token: string): Promise<string> {
    if (decryptionKeys.length === 0 || !isEncrypted(token)) return token
    try {
      return await decryptToken(token, decryptionKeys)
    } catch (error) {
      throw refusalOf(error)
    }
  }

  return (token, now) => cache.get(token, now, () => verify(token))
}

/** What it says before its signature is looked at: believed for nothing but whose keys to look at it with. */
function issuerSaidBy(token: string): string {
  const claims = parseObject(Buffer.from(token.split('.', 2)[1] ?? '', 'base64url'))
  return typeof claims?.['iss'] === 'string' ? claims['iss'] : ''
}

/** What claims say of a caller, a JWT's and an introspected token's alike. */
export function callerOf(
  issuer: EdgeIssuer,
  claims: JsonObject,
  kid?: string,
): Pick<Caller, 'issuer' | 'claims' | 'scopes' | 'clientId' | 'facts'> {
  const { scope, client_id: clientId, azp } = claims
  const client = clientId ?? azp
  return {
    issuer,
    claims,
    scopes: typeof scope === 'string' ? scopesIn(scope) : [],
    clientId: typeof client === 'string' ? client : null,
    facts: factsOf(claims, kid),
  }
}

/** A verifier's error as a reason of ours; whatever else is thrown is a bug and goes on as it is. */
export function refusalOf(error: unknown): unknown {
  if (error instanceof KeysUnavailableError) return new Refused({ code: 'keys_unavailable' })
  if (!(error instanceof VerificationError)) return error
  const { code, message } = error
  if (code === 'expired') return new Refused({ code: 'token_expired', detail: message })
  if (code === 'not_yet_valid') return new Refused({ code: 'token_not_yet_valid', detail: message })
  if (code === 'wrong_audience') return new Refused({ code, detail: message })
  return new Refused({ code: 'invalid_token', detail: message })
}
