/** What may be said of an API, whoever says it: what is wrong with a document whose members are sound one by one. */
import { importSecret } from '@latchkey/sdk/verify'
import type { Problem } from '../config/members.ts'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'
import { HS256 } from '../keys/algorithms.ts'
import { isName } from '../policy/profile-text.ts'
import type { ResourceServerRecord } from '../store/resource-servers.ts'
import { API_CLAIMS, claimProblems } from './custom-claims.ts'
import { resolveResourceServer } from './resource-servers.ts'

const LONGEST_IDENTIFIER = 600
/** Auth0's bound, and about what a token could tell. */
const MOST_SCOPES = 1000
const LONGEST_SCOPE = 280
/** RFC 6749 §3.3. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/

export const SCOPE_MEMBERS = { value: { is: 'text' }, description: { is: 'text', optional: true } } as const

/** Each at its place. `openIdScopes` are the issuer's own, which no API can have. */
export function apiProblems(document: JsonObject, openIdScopes: readonly string[]): Problem[] {
  const { identifier, signing_alg: algorithm, signing_secret: secret } = document
  const problems: Problem[] = [...claimProblems(document['claims'], API_CLAIMS)]
  if (typeof identifier === 'string' && !isName(identifier, LONGEST_IDENTIFIER))
    problems.push({
      path: ['identifier'],
      message: `identifier must have at most ${LONGEST_IDENTIFIER} characters and no controls.`,
    })
  if (algorithm === 'HS256' && typeof secret === 'string' && Buffer.byteLength(secret) < HS256.minimumBytes)
    problems.push({
      path: ['signing_secret'],
      message: `signing_secret must be at least ${HS256.minimumBytes} bytes long (RFC 7518 §3.2).`,
    })
  return [...problems, ...scopeProblems(document['scopes'], openIdScopes)]
}

function scopeProblems(given: JsonValue | undefined, openIdScopes: readonly string[]): Problem[] {
  if (given === undefined || given === null) return []
  if (!Array.isArray(given)) return [{ path: ['scopes'], message: 'scopes must be a list.' }]
  if (given.length > MOST_SCOPES)
    return [{ path: ['scopes'], message: `scopes holds ${given.length} scopes; ${MOST_SCOPES} are the most.` }]
  const seen = new Set<string>()
  return given.flatMap((scope: JsonValue, index): Problem[] => {
    const path = ['scopes', index]
    if (!isObject(scope)) return [{ path, message: 'Each of scopes must be a mapping of value and description.' }]
    const { value, description } = scope
    if (typeof value !== 'string' || value === '')
      return [{ path: [...path, 'value'], message: value === undefined ? 'value is missing.' : 'value must be text.' }]
    const isText = description === undefined || description === null || typeof description === 'string'
    if (!isText) return [{ path: [...path, 'description'], message: 'description must be text.' }]
    if (!SCOPE_TOKEN.test(value) || value.length > LONGEST_SCOPE)
      return [
        {
          path,
          message: `"${value.slice(0, LONGEST_SCOPE)}" is not a scope: no spaces, quotes, backslashes or non-ASCII (RFC 6749 §3.3).`,
        },
      ]
    if (openIdScopes.includes(value))
      return [{ path, message: `"${value}" is a scope of OpenID Connect and cannot be an API's.` }]
    if (seen.has(value)) return [{ path, message: `The scope "${value}" is there twice.` }]
    seen.add(value)
    return []
  })
}

/** Of a document that `apiProblems` finds sound. */
export const scopesIn = (document: JsonObject): readonly string[] =>
  ((document['scopes'] ?? []) as readonly { readonly value: string }[]).map(({ value }) => value)

/** Pasted by mistake: a key that others may know, in whatever form. Its length was looked at before. */
export const isKey = (secret: string, audience: string): Promise<boolean> =>
  importSecret(Buffer.from(secret), { alg: 'HS256', audience }).then(
    () => false,
    () => true,
  )

/** As the Management API and an export say it, with the defaults that somebody would look for. The secret of one is never here. */
export function apiToWire(record: ResourceServerRecord): JsonObject {
  const { name, algorithm, dialect, allowsOfflineAccess, enforcesPermissions } = resolveResourceServer(record)
  return {
    scopes: [],
    signing_alg: algorithm,
    token_dialect: dialect,
    allow_offline_access: allowsOfflineAccess,
    enforce_policies: enforcesPermissions,
    skip_consent_for_verifiable_first_party_clients: false,
    ...record.settings,
    id: record.id,
    name,
    identifier: record.identifier,
    is_system: false,
  }
}
