/**
 * Words of a file for what differs from tenant to tenant, as auth0-deploy-cli has them: `##WORD##` stands for text and
 * `@@WORD@@` for a value of YAML. They are replaced before anything is read; one that nothing was said for is told.
 */
import type { Findings } from '../config/findings.ts'
import { readOperatorFile } from '../config/operator-file.ts'
import type { Path } from '../config/yaml.ts'
import { OperatorError } from '../kernel/errors.ts'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'

export type Keywords = JsonObject

/** auth0-deploy-cli's own settings hold the mappings under this name; they may stand alone too. */
const SETTING = 'AUTH0_KEYWORD_REPLACE_MAPPINGS'

/** @throws OperatorError for what cannot be read, or is no mapping. No value is in its sentence. */
export function readKeywords(file: string): Keywords {
  const { text } = readOperatorFile('file of keywords', file)
  const read = parse(text)
  const mappings = isObject(read) && read[SETTING] !== undefined ? read[SETTING] : read
  if (!isObject(mappings)) throw new OperatorError(`The file of keywords ${file} is no JSON object.`)
  return mappings
}

function parse(text: string): JsonValue {
  try {
    return JSON.parse(text)
  } catch {
    // The error would quote what stands there, which may be a secret.
    return null
  }
}

const WORD = /(["']?)@@([\w.-]+)@@\1|##([\w.-]+)##/g

/** The text with every word that there is a value for replaced, once: what a value says stays as it is. */
export const replaceKeywords = (text: string, keywords: Keywords): string =>
  text.replace(
    WORD,
    (found: string, quote: string | undefined, whole: string | undefined, part: string | undefined) => {
      const name = whole ?? part ?? ''
      const value = Object.hasOwn(keywords, name) ? keywords[name] : undefined
      if (value === undefined) return found
      if (whole !== undefined) return JSON.stringify(value)
      return `${quote ?? ''}${isObject(value) ? JSON.stringify(value) : String(value)}`
    },
  )

const PLACEHOLDER = /@@([\w.-]+)@@|##([\w.-]+)##/g

/** A word and nothing else: what auth0-deploy-cli writes in the place of a secret. */
export const isPlaceholder = (value: JsonValue | undefined): value is string =>
  typeof value === 'string' && /^(?:##.+##|@@.+@@)$/.test(value)

/** Each word once, where it stands first. `sections` are those that something is done with. */
export function tellPlaceholders(document: JsonObject, sections: readonly string[], findings: Findings): void {
  const seen = new Set<string>()
  const look = (value: JsonValue | undefined, path: Path): void => {
    if (typeof value === 'string')
      for (const [word] of value.matchAll(PLACEHOLDER)) {
        if (seen.has(word)) continue
        seen.add(word)
        findings.warn(
          path,
          `${word} is taken as it stands: give it a value with --keywords, or write what it stands for.`,
        )
      }
    else if (Array.isArray(value)) for (const [index, item] of value.entries()) look(item, [...path, index])
    else if (isObject(value)) for (const [name, item] of Object.entries(value)) look(item, [...path, name])
  }
  for (const [section, value] of Object.entries(document)) if (sections.includes(section)) look(value, [section])
}
