/**
 * What an export of auth0-deploy-cli keeps in files of their own (pages, mails, scripts) and names in its YAML, taken into
 * the document. Files lie in the folder of the YAML or below it; a name that leads elsewhere is refused, links included,
 * since whoever wrote the YAML need not be whoever may read the disk.
 */
import { readFileSync, realpathSync, statSync } from 'node:fs'
import { join, sep } from 'node:path'
import type { Findings } from '../config/findings.ts'
import type { Path } from '../config/yaml.ts'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'

/** Where a document may name one, and the folder that such names are relative to; `*` is every entry of a list or a mapping. */
const PLACES: readonly { readonly path: readonly string[]; readonly within?: string }[] = [
  { path: ['emailTemplates', '*', 'body'] },
  { path: ['pages', '*', 'html'] },
  { path: ['branding', 'templates', '*', 'body'] },
  { path: ['databases', '*', 'options', 'customScripts', '*'] },
  { path: ['connections', '*', 'options', 'email', 'body'], within: 'connections' },
  { path: ['clients', '*', 'custom_login_page'], within: 'clients' },
]

const MOST_BYTES = 1024 * 1024

/** What is written out stands on several lines or has markup in it. */
const isFileName = (text: string): boolean => /^[^<>\n{}]+\.(?:html|liquid|js|json|md|txt)$/.test(text)

/** The document with the files' contents in the place of their names. What cannot be had is a fault at its name. */
export function takeIn(
  document: JsonObject,
  folder: string,
  findings: Findings,
  replace: (text: string) => string = text => text,
): JsonObject {
  let taken: JsonValue = document
  for (const { path, within = '' } of PLACES)
    taken = replaceAt(taken, path, [], (name, at) =>
      isFileName(name) ? replace(read(folder, within, name, at, findings)) : name,
    )
  return taken as JsonObject
}

function replaceAt(
  value: JsonValue,
  [member, ...rest]: readonly string[],
  at: Path,
  replace: (name: string, at: Path) => string,
): JsonValue {
  if (member === undefined) return typeof value === 'string' ? replace(value, at) : value
  const inner = (item: JsonValue, name: string | number) => replaceAt(item, rest, [...at, name], replace)
  if (Array.isArray(value)) return member === '*' ? value.map(inner) : value
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      item !== undefined && (member === '*' || member === name) ? inner(item, name) : item,
    ]),
  )
}

function read(folder: string, within: string, name: string, at: Path, findings: Findings): string {
  // Written on Windows too.
  const named = join(folder, within, name.replaceAll('\\', '/'))
  try {
    const root = realpathSync(folder)
    const file = realpathSync(named)
    if (!file.startsWith(root + sep)) {
      findings.fault(at, `The file ${name} is not in the folder of the tenant file, or below it.`)
      return ''
    }
    const { size } = statSync(file)
    if (size > MOST_BYTES) {
      findings.fault(at, `The file ${name} is larger than ${MOST_BYTES / 1024 / 1024} MiB.`)
      return ''
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    findings.fault(
      at,
      code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
        ? `The file ${name} is not UTF-8 text.`
        : `The file ${name} cannot be read: ${code ?? 'unknown'}.`,
    )
    return ''
  }
}
