/**
 * What is secret in the options of a connection, by the names that Auth0 gives it: taken out before they are stored, and
 * put back for those who may read it. So nothing that prints or compares options can tell a secret.
 */
import { isDeepStrictEqual } from 'node:util'
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
  'decryptionkey',
  'password',
  'privatekey',
  'refreshtoken',
  'secret',
  'signingkey',
  'twiliotoken',
])

/** Auth0's store of what custom scripts of a database are given: a mapping, and secret as a whole. */
const SECRET_MAPPING = 'configuration'

/** A mapping called `password` says how passwords are used, and may have a secret in it. */
function isSecret(name: string, value: JsonValue): boolean {
  const spoken = name.toLowerCase().replace(/[^a-z]/g, '')
  return value !== null && (spoken === SECRET_MAPPING || (SECRET_NAMES.has(spoken) && !isObject(value)))
}

/** Where it stood: names of members, and places in lists. */
type Path = readonly (string | number)[]
type Secret = readonly [path: Path, value: JsonValue]

export function splitSecrets(given: JsonObject): { readonly options: JsonObject; readonly secrets: Secret[] | null } {
  const secrets: Secret[] = []
  const without = (value: JsonValue, path: Path): JsonValue => {
    if (Array.isArray(value)) return value.map((item: JsonValue, index) => without(item, [...path, index]))
    return isObject(value) ? mappingWithout(value, path) : value
  }
  const mappingWithout = (document: JsonObject, path: Path): JsonObject =>
    Object.fromEntries(
      Object.entries(document).flatMap(([name, value]): [string, JsonValue][] => {
        const at = [...path, name]
        if (value === undefined) return []
        if (!isSecret(name, value)) return [[name, without(value, at)]]
        secrets.push([at, value])
        return []
      }),
    )
  const options = mappingWithout(given, [])
  return { options, secrets: secrets.length > 0 ? secrets : null }
}

/** The options without the secrets that `isMeant` says, and where those stood. */
export function withoutSecrets(
  given: JsonObject,
  isMeant: (value: JsonValue) => boolean,
): { readonly options: JsonObject; readonly left: readonly Secret[] } {
  const { options, secrets } = splitSecrets(given)
  const [left, kept] = [true, false].map(wanted => (secrets ?? []).filter(([, value]) => isMeant(value) === wanted))
  return { options: joinSecrets(options, kept ?? []), left: left ?? [] }
}

/**
 * The options as given, with those of the secrets before that they leave out; one that is null, or whose surroundings are
 * gone, is gone. In a list that is so of an entry that is another by now, or in another place: it might be somebody else's.
 */
export function keepSecrets(given: JsonObject, before: JsonObject): JsonObject {
  const old = splitSecrets(before)
  const { options } = splitSecrets(given)
  const kept = (old.secrets ?? []).filter(
    ([path]) =>
      isLeftOut(given, path) &&
      path.every((step, index) => {
        const entry = path.slice(0, index + 1)
        return typeof step === 'string' || isDeepStrictEqual(valueAt(options, entry), valueAt(old.options, entry))
      }),
  )
  return joinSecrets(given, kept)
}

function valueAt(value: JsonValue | undefined, [step, ...rest]: Path): JsonValue | undefined {
  if (step === undefined) return value
  if (typeof step === 'number') return Array.isArray(value) ? valueAt(value[step], rest) : undefined
  return value !== undefined && isObject(value) && Object.hasOwn(value, step) ? valueAt(value[step], rest) : undefined
}

const isLeftOut = (document: JsonObject, path: Path): boolean => {
  const around = valueAt(document, path.slice(0, -1))
  return around !== undefined && isObject(around) && valueAt(document, path) === undefined
}

export const joinSecrets = (options: JsonObject, secrets: readonly Secret[]): JsonObject =>
  secrets.reduce((joined, [path, value]) => put(joined, path, value) as JsonObject, options)

function put(document: JsonValue, [step, ...rest]: Path, value: JsonValue): JsonValue {
  if (step === undefined) return value
  if (typeof step === 'number')
    return Array.isArray(document)
      ? document.map((item: JsonValue, index) => (index === step ? put(item, rest, value) : item))
      : document
  const around = isObject(document) ? document : {}
  const inner = Object.hasOwn(around, step) ? around[step] : undefined
  return Object.fromEntries<JsonValue | undefined>([
    ...Object.entries(around).filter(([other]) => other !== step),
    [step, put(inner ?? {}, rest, value)],
  ])
}
