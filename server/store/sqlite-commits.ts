/**
 * Turns at the one connection that writes, and commits that several share. A commit waits for the disk, and everybody
 * waits for it: so units of work that are ready in the same turn of the event loop become one transaction of SQLite,
 * each a savepoint in it, and each is answered once that transaction is on the disk (`sqlite-disk.ts`). A unit still
 * succeeds or fails alone; only when the commit itself fails, all that waited for it do.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { UnavailableError } from '../kernel/errors.ts'
import { type Disk, undemanding } from './sqlite-disk.ts'
import { naming } from './sqlite-faults.ts'

interface Waiting {
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export class SharedCommits {
  readonly #file: string
  readonly #database: DatabaseSync
  readonly #disk: Disk
  readonly #statements: ReadonlyMap<string, StatementSync>
  /** Who waits for a turn, and who for the commit. */
  readonly #turns: (() => void)[] = []
  #written: Waiting[] = []
  #isTaken = false
  /** Counts what is opened and ended, so that nobody ends what is not theirs. */
  #opened = 0
  /** Whoever has the turn commits when they leave. */
  #isDue = false

  constructor(file: string, database: DatabaseSync, disk: Disk = undemanding) {
    this.#file = file
    this.#database = database
    this.#disk = disk
    const texts = ['begin immediate', 'commit', 'rollback', 'savepoint unit', 'rollback to unit', 'release unit']
    this.#statements = new Map(texts.map(text => [text, database.prepare(text)]))
  }

  /** Begins a unit, once it is its turn. Whoever begins one ends it, by `commit` or `rollback`. */
  async begin(): Promise<void> {
    await this.#turn()
    try {
      this.#open()
      this.#run('savepoint unit')
    } catch (error) {
      this.#leave()
      throw error
    }
  }

  /** Resolves once the unit is on the disk. When it rejects, nothing of the unit is left. */
  async commit(): Promise<void> {
    try {
      this.#run('release unit')
    } catch (error) {
      this.rollback()
      throw error
    }
    await this.#join()
  }

  rollback(): void {
    try {
      if (this.#database.isTransaction) {
        this.#run('rollback to unit')
        this.#run('release unit')
      }
    } finally {
      this.#leave()
    }
  }

  /**
   * Undoes the unit, and resolves once what it has read of others is on the disk: whoever failed because of that says so.
   * Rejects when it never will be.
   */
  async undo(): Promise<void> {
    if (this.#written.length === 0) {
      this.rollback()
      return this.#disk.reached()
    }
    const commit = new Promise<void>((resolve, reject) => this.#written.push({ resolve, reject }))
    // Nobody is left to hear of it when the rollback throws.
    commit.catch(() => {})
    this.rollback()
    return commit
  }

  /** A statement of the unit that was begun. One that follows after all was rolled back would be committed by itself. */
  inUnit<T>(work: () => T): T {
    if (!this.#database.isTransaction) throw new TypeError('The transaction was rolled back, and goes on')
    try {
      return work()
    } catch (error) {
      // A full disk makes SQLite roll back everything by itself, also what others wrote and wait for.
      if (!this.#database.isTransaction) this.#answer(({ reject }) => reject(error))
      throw error
    }
  }

  /** A unit of one statement, which SQLite undoes by itself when it fails. */
  async write<T>(work: () => T): Promise<T> {
    await this.#turn()
    let result: T
    try {
      this.#open()
      result = this.inUnit(work)
    } catch (error) {
      this.#leave()
      throw error
    }
    await this.#join()
    return result
  }

  /** Work that sees what is committed, and runs in no transaction. */
  async alone<T>(work: () => T): Promise<T> {
    await this.#turn()
    try {
      this.#end()
      return work()
    } finally {
      this.#leave()
    }
  }

  async #turn(): Promise<void> {
    if (this.#isTaken) await new Promise<void>(resolve => this.#turns.push(resolve))
    this.#isTaken = true
  }

  /**
   * The commit comes after everybody whose request has arrived by now had their turn; and, while the disk is at what was
   * committed before, after everybody who comes meanwhile: it would be written no sooner.
   */
  #open(): void {
    if (this.#database.isTransaction) return
    this.#run('begin immediate')
    const opened = ++this.#opened
    const end = () => {
      if (opened !== this.#opened) return
      if (this.#isTaken) this.#isDue = true
      else this.#end()
    }
    setImmediate(() => {
      const writing = this.#disk.writing()
      if (writing) writing.then(end)
      else end()
    })
  }

  #join(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#written.push({ resolve, reject })
      this.#leave()
    })
  }

  #leave(): void {
    if (this.#isDue) this.#end()
    const next = this.#turns.shift()
    if (next) next()
    else this.#isTaken = false
  }

  /** Commits, and tells everybody who waits for it. */
  #end(): void {
    this.#isDue = false
    this.#opened += 1
    if (!this.#database.isTransaction) {
      // Nobody waits here, unless SQLite rolled back by itself between two units.
      this.#answer(({ reject }) => reject(new UnavailableError(`The database ${this.#file} rolled back by itself.`)))
      return
    }
    try {
      this.#run('commit')
      // Where all were rolled back there is nothing in it.
      if (this.#written.length > 0) this.#disk.noteCommit()
      this.#answerOnceOnDisk()
    } catch (error) {
      // Told whatever becomes of the rollback: whoever waits here has nobody else to tell them.
      this.#answer(({ reject }) => reject(error))
      if (this.#database.isTransaction) this.#run('rollback')
    }
  }

  #answerOnceOnDisk(): void {
    const written = this.#takeWritten()
    const resolve = () => written.forEach(waiting => void waiting.resolve())
    const reached = this.#disk.reached()
    if (reached) reached.then(resolve, error => written.forEach(waiting => void waiting.reject(error)))
    else resolve()
  }

  #answer(tell: (waiting: Waiting) => void): void {
    this.#takeWritten().forEach(tell)
  }

  #takeWritten(): readonly Waiting[] {
    const written = this.#written
    this.#written = []
    return written
  }

  #run(text: string): void {
    naming(this.#file, () => this.#statements.get(text)?.run())
  }
}
