/**
 * A backup as a file: lines of JSON, gzipped. First what it is, then each table with its rows, at last how many there
 * are, which master keys they need and the digest of every line before. The same for both databases, and readable by
 * anything that reads gzip and JSON.
 *
 *     {"format":"latchkey-backup","version":1,"latchkey":"0.1.0","madeAt":"2026-11-26T10:00:00.000Z","migrations":[…]}
 *     {"table":"tenants","columns":["id","name",…]}
 *     ["default","Latchkey",…]
 *     {"rows":1,"masterKeys":["master_…"],"sha256":"…"}
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, createWriteStream, linkSync, rmSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { OperatorError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import { isObject } from '../kernel/json.ts'
import { type BackedUpTable, isBackedUp } from '../store/backed-up.ts'
import type { Row } from '../store/snapshot.ts'

const FORMAT = 'latchkey-backup'
const VERSION = 1

export interface Heading {
  /** The version of Latchkey that made it. */
  readonly latchkey: string
  /** An instant of ISO 8601: what was committed before it is in. */
  readonly madeAt: string
  readonly migrations: readonly string[]
}

export interface BackupWriter {
  put(table: BackedUpTable, rows: readonly Row[]): Promise<void>
}

/**
 * Makes the file, with mode 0600: whole and on its disk before it gets its name. Answers how many rows it holds.
 * @throws OperatorError when it is there already or cannot be written.
 */
export async function writeBackup(
  file: string,
  heading: Heading,
  fill: (writer: BackupWriter) => Promise<{ readonly masterKeys: readonly string[] }>,
): Promise<number> {
  const draft = `${file}.${newId('draft')}`
  try {
    const rows = await writeLines(draft, heading, fill)
    linkSync(draft, file)
    return rows
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error
    throw new OperatorError(
      (error as NodeJS.ErrnoException).code === 'EEXIST'
        ? `${file} is there already. Give the backup a name of its own.`
        : `The backup cannot be written to ${file}: ${error.message}.`,
      { cause: error },
    )
  } finally {
    rmSync(draft, { force: true })
  }
}

async function writeLines(draft: string, heading: Heading, fill: Parameters<typeof writeBackup>[2]): Promise<number> {
  const digest = createHash('sha256')
  const zip = createGzip({ level: 6 })
  const written = pipeline(zip, createWriteStream(draft, { flags: 'wx', mode: 0o600, flush: true }))
  // It is waited for below, and by then it may have failed long ago.
  written.catch(() => {})
  let rows = 0
  let columns: readonly string[] = []
  let current: string | undefined

  const write = async (line: unknown): Promise<void> => {
    const text = `${JSON.stringify(line)}\n`
    digest.update(text)
    if (!zip.write(text) && !zip.destroyed) await Promise.race([once(zip, 'drain'), written])
  }
  try {
    await write({ format: FORMAT, version: VERSION, ...heading })
    const { masterKeys } = await fill({
      async put(table, page) {
        for (const row of page) {
          if (table !== current) {
            current = table
            columns = Object.keys(row)
            await write({ table, columns })
          }
          await write(columns.map(column => row[column] ?? null))
          rows++
        }
      },
    })
    zip.end(`${JSON.stringify({ rows, masterKeys, sha256: digest.digest('hex') })}\n`)
    await written
    return rows
  } catch (error) {
    zip.destroy()
    // What broke the file says more than what broke over it.
    await written.catch(cause => {
      if (cause instanceof Error && 'syscall' in cause) throw cause
    })
    throw error
  }
}

export interface ReadBackup {
  readonly heading: Heading
  readonly rows: number
  readonly masterKeys: readonly string[]
}

/**
 * Reads it from end to end and hands on its rows, a few hundred at a time; that they are what was written is known only
 * when this resolves. @throws OperatorError for a file that is no backup, a damaged one, or a newer Latchkey's.
 */
export async function readBackup(
  file: string,
  take: (table: BackedUpTable, rows: readonly Row[], heading: Heading) => Promise<void> | void,
): Promise<ReadBackup> {
  const digest = createHash('sha256')
  let heading: Heading | undefined
  let table: { readonly name: BackedUpTable; readonly columns: readonly string[] } | undefined
  let page: Row[] = []
  let rows = 0
  let end: { readonly rows: unknown; readonly masterKeys: unknown; readonly sha256: unknown } | undefined

  const flush = async (): Promise<void> => {
    if (table && heading && page.length > 0) await take(table.name, page, heading)
    page = []
  }
  for await (const text of linesOf(file)) {
    if (end) throw damaged(file)
    const line = parse(file, text)
    if (!heading) {
      heading = readHeading(file, line)
    } else if (Array.isArray(line)) {
      page.push(toRow(file, table, line))
      rows++
      if (page.length === ROWS_AT_ONCE) await flush()
    } else if (isObject(line) && 'sha256' in line) {
      await flush()
      end = line as typeof end & object
      continue
    } else {
      await flush()
      table = readTable(file, line)
    }
    digest.update(`${text}\n`)
  }
  if (!heading || !end || end.rows !== rows || end.sha256 !== digest.digest('hex')) throw damaged(file)
  return { heading, rows, masterKeys: Array.isArray(end.masterKeys) ? end.masterKeys.map(String) : [] }
}

const ROWS_AT_ONCE = 500

async function* linesOf(file: string): AsyncIterable<string> {
  const source = createReadStream(file)
  const unzipped = createGunzip()
  const piped = pipeline(source, unzipped)
  piped.catch(() => {})
  try {
    // Not by `readline`, for which a line may end at other characters too, some of which JSON leaves as they are.
    let rest: Buffer[] = []
    for await (const part of unzipped as AsyncIterable<Buffer>) {
      let from = 0
      for (let end = part.indexOf('\n'); end >= 0; end = part.indexOf('\n', from)) {
        yield Buffer.concat([...rest, part.subarray(from, end)]).toString('utf8')
        rest = []
        from = end + 1
      }
      if (from < part.length) rest.push(part.subarray(from))
    }
    await piped
    if (rest.length > 0) throw damaged(file)
  } catch (error) {
    const { code = '', syscall, message } = error as NodeJS.ErrnoException
    if (syscall !== undefined)
      throw new OperatorError(`The backup ${file} cannot be read: ${message}.`, { cause: error })
    if (code.startsWith('Z_') || code === 'ERR_STREAM_PREMATURE_CLOSE') throw damaged(file)
    throw error
  } finally {
    source.destroy()
  }
}

function readHeading(file: string, line: unknown): Heading {
  if (!isObject(line) || line['format'] !== FORMAT) throw new OperatorError(`${file} is not a backup of Latchkey.`)
  if (line['version'] !== VERSION)
    throw new OperatorError(
      `The backup ${file} was made by a newer Latchkey (${line['latchkey']}). Restore it with that version.`,
    )
  return line as unknown as Heading
}

function readTable(file: string, line: unknown): { name: BackedUpTable; columns: readonly string[] } {
  if (!isObject(line) || !Array.isArray(line['columns'])) throw damaged(file)
  const name = String(line['table'])
  if (!isBackedUp(name))
    throw new OperatorError(
      `The backup ${file} holds a table "${name}", which this version does not know: it was made by a newer Latchkey, or it is damaged.`,
    )
  return { name, columns: line['columns'].map(String) }
}

function toRow(file: string, table: { columns: readonly string[] } | undefined, line: readonly unknown[]): Row {
  if (line.length !== table?.columns.length) throw damaged(file)
  return Object.fromEntries(table.columns.map((column, place) => [column, line[place]])) as Row
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw damaged(file)
  }
}

const damaged = (file: string): OperatorError =>
  new OperatorError(`The backup ${file} is damaged or not whole: its digest is not that of its lines. Use another.`)
