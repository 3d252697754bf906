/**
 * The write-ahead log on its way to the disk. SQLite would wait for the disk in the commit, and everybody with it; here
 * the commit leaves its pages to the system, a thread of the pool waits for them to be written, and the next commits are
 * made meanwhile. Whoever waits is answered no sooner than with `synchronous=full`.
 */
import { closeSync, fdatasync, openSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { naming } from './sqlite-faults.ts'

interface Waiting {
  /** The number of the last commit that is to be on the disk. */
  readonly commit: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export interface Disk {
  /** A transaction was committed, and is in the log. */
  noteCommit(): void
  /** Resolves once whatever was committed by now is on the disk. Undefined where it is already. */
  reached(): Promise<void> | undefined
  /** Resolves once it has written what was committed before. Undefined while it writes nothing. */
  writing(): Promise<void> | undefined
  /** Once nothing is asked any more. */
  close(): Promise<void>
}

/** For a database that was told not to wait, or whose commits wait by themselves. */
export const undemanding: Disk = {
  noteCommit: () => {},
  reached: () => undefined,
  writing: () => undefined,
  close: async () => {},
}

export class LogOnDisk implements Disk {
  readonly #file: string
  readonly #database: DatabaseSync
  readonly #write: (descriptor: number) => Promise<void>
  #descriptor: number | undefined
  #committed = 0
  #onDisk = 0
  #waiting: Waiting[] = []
  #writing: Promise<void> | undefined
  /** A part of the log may be missing on the disk, and all that follows it would be lost with it. */
  #hasGap = false

  constructor(file: string, database: DatabaseSync, write = promisify(fdatasync)) {
    this.#file = file
    this.#database = database
    this.#write = write
  }

  noteCommit(): void {
    this.#committed += 1
  }

  reached(): Promise<void> | undefined {
    if (this.#onDisk === this.#committed && !this.#hasGap) return undefined
    return new Promise((resolve, reject) => {
      this.#waiting.push({ commit: this.#committed, resolve, reject })
      if (this.#writing) return
      const writing = this.#writeAll()
      // A fault may have come before the disk was asked; then it is over, and nothing is being written.
      if (this.#waiting.length > 0) this.#writing = writing
    })
  }

  writing(): Promise<void> | undefined {
    return this.#writing
  }

  async close(): Promise<void> {
    await this.#writing
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
    this.#descriptor = undefined
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const goal = this.#committed
      let fault: { readonly error: unknown } | undefined
      try {
        if (this.#hasGap) this.#closeGap()
        this.#descriptor ??= openSync(`${this.#file}-wal`, 'r+')
        await this.#write(this.#descriptor)
      } catch (error) {
        this.#hasGap = true
        fault = { error: faultOf(this.#file, error) }
      }
      // Told of a fault too: what is on the disk now is known to nobody, and a next try is a next commit's.
      this.#onDisk = goal
      const [ready, later] = [
        this.#waiting.filter(({ commit }) => commit <= goal),
        this.#waiting.filter(({ commit }) => commit > goal),
      ]
      this.#waiting = later
      for (const { resolve, reject } of ready) fault ? reject(fault.error) : resolve()
    }
    this.#writing = undefined
  }

  /**
   * After a failure the system takes pages for written that are not (https://lwn.net/Articles/752063/), so asking again
   * proves nothing. All of the log is copied into the database, which is written anew, and the log begins from its start.
   */
  #closeGap(): void {
    // Inside a transaction SQLite would call the pragma an error of ours.
    if (this.#database.isTransaction || !emptyLog(this.#database))
      throw Object.assign(new Error('The log cannot be emptied'), { errcode: 5 })
    this.#hasGap = false
  }
}

/** Whether all of the log is in the database now. Nobody who reads there is waited for: everybody here would wait. */
function emptyLog(database: DatabaseSync): boolean {
  const timeout = database.prepare('pragma busy_timeout').get()?.['timeout']
  database.exec('pragma busy_timeout = 0')
  try {
    return database.prepare('pragma wal_checkpoint(truncate)').get()?.['busy'] === 0
  } finally {
    database.exec(`pragma busy_timeout = ${timeout}`)
  }
}

function faultOf(file: string, error: unknown): unknown {
  try {
    return naming(file, () => {
      throw error
    })
  } catch (named) {
    return named
  }
}
