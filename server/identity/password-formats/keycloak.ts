/**
 * Keycloak's credential as a realm export has it: `secretData` and `credentialData`, each JSON in a string (or the
 * object itself), and the flat form `{ algorithm, hashIterations, salt, value }`. PBKDF2 until 24, then Argon2.
 */
import { isObject, type JsonObject, type JsonValue } from '../../kernel/json.ts'
import { argon2Check, type Variant } from './argon2.ts'
import { count, decode, decodeDigest } from './bytes.ts'
import { asDocument, numberOf, objectOf, textOf } from './documents.ts'
import { type PasswordFormat, UnusableHash } from './format.ts'
import { pbkdf2Check } from './pbkdf2.ts'

/** By Keycloak's names; the first is the one of before it named them. */
const DIGESTS: Readonly<Record<string, string>> = {
  pbkdf2: 'sha1',
  'pbkdf2-sha256': 'sha256',
  'pbkdf2-sha512': 'sha512',
}

export const keycloakFormat: PasswordFormat = {
  name: 'Keycloak',
  recognise(hash) {
    const document = asDocument(hash)
    return document !== undefined && ('credentialData' in document || 'hashIterations' in document)
  },
  parse(hash) {
    const document = asDocument(hash) ?? {}
    const credential = { ...document, ...nested(document['secretData']), ...nested(document['credentialData']) }
    const algorithm = textOf(credential, 'algorithm')
    const salt = decode(textOf(credential, 'salt'), 'base64', 'salt')
    const derived = decodeDigest(textOf(credential, 'value'), 'base64')
    const iterations = numberOf(credential, 'hashIterations')
    if (algorithm === 'argon2') {
      const given = objectOf(credential, 'additionalParameters')
      if (only(given, 'version', '1.3') !== '1.3') throw new UnusableHash('Of Argon2 only version 19 can be checked.')
      const cost = {
        memory: count(only(given, 'memory', '7168'), 'memory'),
        passes: iterations,
        parallelism: count(only(given, 'parallelism', '1'), 'number of lanes'),
      }
      return argon2Check(variantOf(only(given, 'type', 'id')), '19', { cost, salt, digest: derived })
    }
    const digest = Object.hasOwn(DIGESTS, algorithm) ? DIGESTS[algorithm] : undefined
    if (!digest) throw new UnusableHash(`Its algorithm must be argon2 or one of ${Object.keys(DIGESTS).join(', ')}.`)
    return pbkdf2Check(digest, { iterations, salt, derived })
  },
}

function nested(value: JsonValue | undefined): JsonObject {
  if (typeof value !== 'string') return isObject(value) ? value : {}
  const document = asDocument(value)
  if (!document) throw new UnusableHash('Its secretData and credentialData must be JSON objects.')
  return document
}

/** Each of the further parameters is a list of one text. */
function only(parameters: JsonObject, name: string, fallback: string): string {
  const value = parameters[name]
  const [first] = Array.isArray(value) ? value : [value]
  return typeof first === 'string' ? first : fallback
}

function variantOf(type: string): Variant {
  if (type === 'id' || type === 'i' || type === 'd') return `argon2${type}`
  throw new UnusableHash('Its type of Argon2 must be id, i or d.')
}
