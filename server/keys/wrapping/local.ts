/**
 * Master keys from a file beside the data: made on the first start, readable by its owner alone, never rewritten.
 * Whether a missing file means a first start or a lost key is the caller's to know.
 *
 *     # a comment
 *     <id> <base64url of 32 bytes>      the first line seals, every line opens
 */
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { OperatorError } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import { randomSecret } from '../../kernel/secrets.ts'
import { MASTER_KEY_BYTES, MASTER_KEY_ID, type MasterKeys, masterKeys } from './master-keys.ts'

const OWNER_ONLY = 0o600
const ANYONE_ELSE = 0o077

const HEADING = `# Latchkey's master keys: whatever is sealed in the database opens with these and with nothing else.
# Keep a copy, and keep it apart from the database's backups. The first key seals, all of them open.
`

export interface LoadedMasterKeys extends MasterKeys {
  /** The file was made just now, and by this call. */
  readonly wasMade: boolean
}

/**
 * Reads the file, or makes it with one new key when it is missing and `create` is true.
 * @throws OperatorError when it is missing and may not be made, when others may read it, when it cannot be read
 * or written, or when a line is malformed (by number: a line's contents are never repeated).
 */
export function loadMasterKeys(file: string, { create }: { create: boolean }): LoadedMasterKeys {
  return naming(file, () => {
    const text = read(file)
    if (text !== undefined) return { ...parse(file, text), wasMade: false }
    if (!create) return missing(file)
    const wasMade = make(file)
    return { ...parse(file, read(file) ?? missing(file)), wasMade }
  })
}

/**
 * Removes a file that was made for nothing, because the data turned out to be sealed under other keys. One that holds
 * anything but what was made stays: somebody has put it right already.
 */
export function removeMasterKeys(file: string, { current }: LoadedMasterKeys): void {
  naming(file, () => {
    const text = read(file)
    if (text !== undefined && parse(file, text).current.key.equals(current.key)) unlinkSync(file)
  })
}

/** What the system refuses is told in a sentence that names the file. */
function naming<T>(file: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    // The system's errors name the call and the path, and nothing from inside the file.
    if (error instanceof Error && 'syscall' in error)
      throw new OperatorError(`The master key file ${file} cannot be used: ${error.message}.`, { cause: error })
    throw error
  }
}

function missing(file: string): never {
  throw new OperatorError(
    `The master key file ${file} is missing, and there is data already that only its keys can open. Put it back from where you keep its copy; a further server over the same database needs a copy of the first one's.`,
  )
}

/** The mode is asked of the open file, not of the path, so that the file read is the file judged. */
function read(file: string): string | undefined {
  const descriptor = openOrMissing(file)
  if (descriptor === undefined) return undefined
  try {
    const status = fstatSync(descriptor)
    if (!status.isFile()) throw new OperatorError(`The master key file ${file} is not a file.`)
    if (status.mode & ANYONE_ELSE) {
      const mode = (status.mode & 0o777).toString(8).padStart(4, '0')
      throw new OperatorError(
        `The master key file ${file} can be used by others than its owner (mode ${mode}). Run "chmod 600 ${file}", and replace its keys if others had access.`,
      )
    }
    return readFileSync(descriptor, 'utf8')
  } finally {
    closeSync(descriptor)
  }
}

function openOrMissing(file: string): number | undefined {
  try {
    // Without waiting: the other end of a pipe may never come, and nobody would learn what the start waits for.
    return openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Written in full under another name and on disk before it gets its own, by a link, which never replaces a file:
 * a crash leaves no half a key, and of two processes that start at once both end with the first one's. Whether it
 * was this one.
 */
function make(file: string): boolean {
  const draft = `${file}.${newId('draft')}`
  const descriptor = openSync(draft, 'wx', OWNER_ONLY)
  let isFirst = true
  try {
    writeFileSync(descriptor, `${HEADING}${newId('master')} ${randomSecret()}\n`)
    fsyncSync(descriptor)
    linkSync(draft, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    isFirst = false
  } finally {
    closeSync(descriptor)
    unlinkSync(draft)
  }
  syncFolder(dirname(file))
  return isFirst
}

/** The name is on disk only when the folder is: losing it to a power cut would lose whatever was sealed since. */
function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function parse(file: string, text: string): MasterKeys {
  const seen = new Set<string>()
  const list: { id: string; bytes: Buffer }[] = []
  for (const [index, line] of text.split('\n').entries()) {
    const content = line.trim()
    if (content === '' || content.startsWith('#')) continue
    const complain = (problem: string) => {
      throw new OperatorError(`Line ${index + 1} of the master key file ${file} ${problem}.`)
    }

    const [id = '', key = '', ...rest] = content.split(/\s+/)
    const bytes = Buffer.from(key, 'base64url')
    if (
      !MASTER_KEY_ID.test(id) ||
      rest.length > 0 ||
      bytes.toString('base64url') !== key ||
      bytes.length !== MASTER_KEY_BYTES
    )
      complain(`is not an id and ${MASTER_KEY_BYTES} bytes in base64url, with a space between them`)
    if (seen.has(id)) complain('has the id of a line before it')
    seen.add(id)
    list.push({ id, bytes })
  }
  if (list.length === 0) throw new OperatorError(`The master key file ${file} holds no key.`)
  return masterKeys(list)
}
