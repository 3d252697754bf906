/**
 * What is secret in the options of a connection, by the names that Auth0 gives it: taken out before they are stored, and
 * put back for those who may read it. So nothing that prints or compares options can tell a secret.
 */
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'

/** Letters alone, so that one name stands for its spellings. */
const SECRET_NAMES = new Set([
  'accesstoken',
  'apikey',
  'apisecret',
  'appsecret',
  'authtoken',
  'bindpassword',
  'clientsecret',
  'consumersecret',
  // Auth0's store of what custom scripts of a database are given.
  'configuration',
  'decryptionkey',
  'password',
  'privatekey',
  'refreshtoken',
  'secret',
  'signingkey',
  'twiliotoken',
])

const isSecret = (name: string): boolean => SECRET_NAMES.has(name.toLowerCase().replace(/[^a-z]/g, ''))

/** Where it stood: names of members. Lists are not looked into. */
type Secret = readonly [path: readonly string[], value: JsonValue]

export function splitSecrets(given: JsonObject): { readonly options: JsonObject; readonly secrets: Secret[] | null } {
  const secrets: Secret[] = []
  const without = (document: JsonObject, path: readonly string[]): JsonObject =>
    Object.fromEntries(
      Object.entries(document).flatMap(([name, value]): [string, JsonValue][] => {
        const at = [...path, name]
        if (value === undefined) return []
        if (isSecret(name) && value !== null) {
          secrets.push([at, value])
          return []
        }
        return [[name, isObject(value) ? without(value, at) : value]]
      }),
    )
  const options = without(given, [])
  return { options, secrets: secrets.length > 0 ? secrets : null }
}

/** The options as given, with those of the secrets before that they leave out; one that is null, or whose surroundings are gone, is gone. */
export const keepSecrets = (given: JsonObject, before: readonly Secret[]): JsonObject =>
  joinSecrets(
    given,
    before.filter(([path]) => isLeftOut(given, path)),
  )

function isLeftOut(document: JsonObject, [name, ...rest]: readonly string[]): boolean {
  if (name === undefined) return false
  const inner = Object.hasOwn(document, name) ? document[name] : undefined
  return rest.length === 0 ? inner === undefined : inner !== undefined && isObject(inner) && isLeftOut(inner, rest)
}

export const joinSecrets = (options: JsonObject, secrets: readonly Secret[]): JsonObject =>
  secrets.reduce((joined, [path, value]) => put(joined, path, value), options)

function put(document: JsonObject, [name, ...rest]: readonly string[], value: JsonValue): JsonObject {
  if (name === undefined) return document
  const inner = Object.hasOwn(document, name) ? document[name] : undefined
  const placed = rest.length === 0 ? value : put(inner !== undefined && isObject(inner) ? inner : {}, rest, value)
  return Object.fromEntries<JsonValue | undefined>([
    ...Object.entries(document).filter(([other]) => other !== name),
    [name, placed],
  ])
}
