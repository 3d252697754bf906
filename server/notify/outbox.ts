/**
 * Mail without a mail server: a file each, which any mail program opens. For a laptop and for tests. Its links open
 * accounts like those of any mail, so only the server's own user reads it.
 */
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../kernel/log.ts'
import type { Transport } from './transport.ts'

/** `2027-01-15T08-00-00.000Z-….eml`: names sort by the time at which mail was promised. Nothing here is ever half written. */
export const outbox =
  (folder: string, log: Log): Transport =>
  async ({ id, promisedAt, bytes }) => {
    const file = join(folder, `${new Date(promisedAt).toISOString().replaceAll(':', '-')}-${id}.eml`)
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await writeFile(`${file}.part`, bytes, { mode: 0o600 })
      await rename(`${file}.part`, file)
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException
      return { outcome: 'failed', reason: `the outbox could not be written to (${code})` }
    }
    log.info({ file }, 'a mail was put into the outbox, as no mail server is set')
    return { outcome: 'delivered' }
  }
