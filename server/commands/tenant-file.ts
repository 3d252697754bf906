/**
 * `latchkey apply`, `plan` and `export`: the file is read, parsed and written here, by the operator who named it; what is
 * done is `operations/apply.ts`.
 */
import { writeFileSync } from 'node:fs'
import { OperatorError } from '../kernel/errors.ts'
import type { JsonObject, JsonValue } from '../kernel/json.ts'
import { readKeywords } from '../tenant-file/keywords.ts'
import { packTenantFile } from '../tenant-file/packed.ts'
import type { Change } from '../tenant-file/plan.ts'
import { parseTenantFile, readTenantFile } from '../tenant-file/read.ts'
import { type Answering, answer, makeSureToTell, tellOnce, warn } from './answer.ts'
import { ask } from './ask.ts'

type Given = Answering & { readonly tenant: string }
type GivenFile = Given & { readonly keywords?: string | undefined; readonly delete?: boolean | undefined }

const readFile = async (path: string, { keywords }: GivenFile) =>
  packTenantFile(await parseTenantFile(readTenantFile(path), keywords === undefined ? {} : readKeywords(keywords)))

export async function applyFile(path: string, given: GivenFile): Promise<void> {
  const file = await readFile(path, given)
  makeSureToTell(given)
  const applied = await ask('apply', { tenant: given.tenant, file, removes: given.delete ?? false })
  if (!given.json) for (const warning of applied.warnings) warn(`warning: ${warning}`)
  answer(given, applied, () => [
    ...applied.changes.map(({ kind, id, change }) => `${change} ${kind} ${id}`),
    ...(applied.changes.length === 0 ? ['Everything was as the file says.'] : []),
    ...applied.secrets.map(({ id, name, secret }) =>
      tellOnce(`client-${id}-of-${given.tenant}`, `The secret of ${name} (${id}) is ${secret}`),
    ),
  ])
}

/** What a plan that is not empty ends with, for scripts that asked. */
const SOMETHING_TO_DO = 3

export async function planFile(
  path: string,
  given: GivenFile & { readonly 'exit-code'?: boolean | undefined },
): Promise<void> {
  const file = await readFile(path, given)
  const { changes, warnings } = await ask('plan', { tenant: given.tenant, file, removes: given.delete ?? false })
  if (!given.json) for (const warning of warnings) warn(`warning: ${warning}`)
  answer(given, { changes, warnings }, () => [
    ...changes.flatMap(lines),
    changes.length === 0 ? 'Everything is as the file says.' : `${tally(changes)}. Nothing was changed.`,
  ])
  if (given['exit-code'] && changes.length > 0) process.exitCode = SOMETHING_TO_DO
}

const SIGNS = { created: '+', changed: '~', removed: '-' } as const

const lines = ({ kind, name, change, changes }: Change): string[] => [
  `${SIGNS[change]} ${kind} ${name}`,
  ...(change === 'removed' ? [] : Object.entries(changes).map(([member, told]) => `    ${member}: ${line(told)}`)),
]

/** `changesBetween` tells a secret as a word, and what was or is not there by leaving it out. */
function line(told: JsonValue | undefined): string {
  if (typeof told !== 'object' || told === null) return String(told)
  const { before, after } = told as JsonObject
  const shown = (value: JsonValue | undefined) => (value === undefined ? 'nothing' : JSON.stringify(value))
  return before === undefined ? shown(after) : `${shown(before)} -> ${shown(after)}`
}

const tally = (changes: readonly Change[]): string =>
  Object.entries(Object.groupBy(changes, ({ change }) => change))
    .map(([change, some]) => `${some.length} ${change}`)
    .join(', ')

/** Never over another: it may be the file that the tenant is kept by. */
function write(path: string, text: string): void {
  try {
    writeFileSync(path, text, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'EEXIST' ? 'is there already' : `cannot be written: ${message}`
    throw new OperatorError(`${path} ${why}.`, { cause: error })
  }
}

export async function exportFile(path: string | undefined, given: Given): Promise<void> {
  const exported = await ask('export', { tenant: given.tenant })
  if (given.json) return answer(given, exported, () => [])
  const { stringify } = await import('yaml')
  const text = stringify(exported, { lineWidth: 0 })
  if (path === undefined) process.stdout.write(text)
  else {
    write(path, text)
    answer(given, {}, () => [`Written to ${path}. It holds no secrets and no people.`])
  }
}
