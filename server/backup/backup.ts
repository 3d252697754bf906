/**
 * Taking a backup and restoring it: what is read, what has to be there before anything is written, and what must not come
 * back to life. The file is `file.ts`'s, the databases are `store/snapshot.ts`'s.
 */
import type { Clock } from '../kernel/clock.ts'
import { OperatorError } from '../kernel/errors.ts'
import type { SealContext } from '../kernel/sealer.ts'
import { createSealer, masterKeyIdOf } from '../keys/sealer.ts'
import { loadMasterKeys } from '../keys/wrapping/local.ts'
import { BACKED_UP } from '../store/backed-up.ts'
import { sealedIn } from '../store/sealed-values.ts'
import { type Place, readSnapshot, restoreInto } from '../store/snapshot.ts'
import { readBackup, writeBackup } from './file.ts'

export type Taken = {
  readonly file: string
  readonly rows: number
  /** Without these the backup is worth nothing. None of them is in it. */
  readonly masterKeys: readonly string[]
}

/** Beside a running server, which goes on writing. Throws `OperatorError`, and then leaves no file. */
export async function takeBackup(
  place: Place,
  file: string,
  { latchkey, clock }: { readonly latchkey: string; readonly clock: Clock },
): Promise<Taken> {
  const needed = new Set<string>()
  const rows = await readSnapshot(place, snapshot => {
    const heading = { latchkey, madeAt: new Date(clock()).toISOString(), migrations: snapshot.migrations }
    return writeBackup(file, heading, async writer => {
      for (const table of BACKED_UP)
        for await (const page of snapshot.pagesOf(table)) {
          for (const row of page) {
            const value = sealedIn(table, row)
            if (value) needed.add(masterKeyIdOf(value.sealed))
          }
          await writer.put(table, page)
        }
      return { masterKeys: [...needed].sort() }
    })
  })
  return { file, rows, masterKeys: [...needed].sort() }
}

export type Restored = {
  readonly rows: number
  readonly madeAt: string
  readonly latchkey: string
  readonly keptSignIns: boolean
}

/**
 * Reads the file twice: once to see that it is whole and that the master keys at hand open it, and once to write it. All
 * or nothing. @throws OperatorError for a bad file, a master key that is missing, by its id, and a database that is not empty.
 */
export async function restoreBackup(
  place: Place,
  file: string,
  { masterKeyFile, keepSignIns }: { readonly masterKeyFile: string; readonly keepSignIns: boolean },
): Promise<Restored> {
  const samples = new Map<string, { readonly context: SealContext; readonly sealed: string }>()
  const { masterKeys, heading } = await readBackup(file, (table, rows) => {
    for (const row of rows) {
      const value = sealedIn(table, row)
      if (value) samples.set(masterKeyIdOf(value.sealed), value)
    }
  })
  proveMasterKeys(masterKeyFile, [...new Set([...masterKeys, ...samples.keys()])], samples)

  let rows = 0
  await restoreInto(place, heading.migrations, async restoring => {
    const read = await readBackup(file, restoring.put)
    rows = read.rows
    await restoring.raise({ keepSignIns })
  })
  return { rows, madeAt: heading.madeAt, latchkey: heading.latchkey, keptSignIns: keepSignIns }
}

/** By opening something that each has sealed: an id is only a name. */
function proveMasterKeys(
  masterKeyFile: string,
  needed: readonly string[],
  samples: ReadonlyMap<string, { readonly context: SealContext; readonly sealed: string }>,
): void {
  const masters = needed.length === 0 ? undefined : loadMasterKeys(masterKeyFile, { create: false })
  const missing = needed.filter(id => !masters?.find(id))
  if (missing.length > 0)
    throw new OperatorError(
      `The backup is sealed under ${missing.map(id => `the master key "${id}"`).join(' and ')}, which ${masterKeyFile} does not list. Put its line back from where you keep its copy; nothing was restored.`,
    )
  if (!masters) return
  const sealer = createSealer(masters)
  for (const [id, { context, sealed }] of samples)
    try {
      sealer.open(context, sealed)
    } catch (error) {
      throw new OperatorError(
        `The master key "${id}" in ${masterKeyFile} does not open the backup: it is another key of that id, or the backup was changed. Nothing was restored.`,
        { cause: error },
      )
    }
}
