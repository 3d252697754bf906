/**
 * `latchkey apply`, `plan` and `export`: the file is read, parsed and written here, by the operator who named it; what is
 * done is `operations/apply.ts`.
 */
import { writeFileSync } from 'node:fs'
import { styleText } from 'node:util'
import { OperatorError } from '../kernel/errors.ts'
import { readKeywords } from '../tenant-file/keywords.ts'
import { packTenantFile } from '../tenant-file/packed.ts'
import { parseTenantFile, readTenantFile } from '../tenant-file/read.ts'
import { type Answering, answer, makeSureToTell, tellOnce, warn } from './answer.ts'
import { ask } from './ask.ts'
import { type Ink, planLines, tally } from './plan-lines.ts'

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

/** What a plan that is not empty ends with, for scripts that asked: what terraform says by `-detailed-exitcode`. */
const SOMETHING_TO_DO = 2

export async function planFile(
  path: string,
  given: GivenFile & { readonly 'exit-code'?: boolean | undefined },
): Promise<void> {
  const file = await readFile(path, given)
  const { changes, warnings } = await ask('plan', { tenant: given.tenant, file, removes: given.delete ?? false })
  if (!given.json) for (const warning of warnings) warn(`warning: ${warning}`)
  answer(given, { changes, warnings }, () => [
    ...changes.flatMap(change => planLines(change, ink)),
    changes.length === 0 ? 'Everything is as the file says.' : `${tally(changes)}. Nothing was changed.`,
  ])
  if (given['exit-code'] && changes.length > 0) process.exitCode = SOMETHING_TO_DO
}

const COLOURS = { '+': 'green', '~': 'yellow', '-': 'red' } as const

/** On a terminal that shows colours, and nowhere else. */
const ink: Ink = (sign, line) => styleText(COLOURS[sign], line, { stream: process.stdout })

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
