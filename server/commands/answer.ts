/** What a command says when it is done: to a person in sentences, to a script as JSON. And secrets, once. */
import { loadSettings } from '../config/load.ts'
import { OperatorError } from '../kernel/errors.ts'
import { tryToldOnce, writeToldOnce } from '../store/told-once.ts'

export interface Answering {
  /** One JSON value on standard output, and nothing else there. */
  readonly json?: boolean | undefined
}

/** `sentences` is asked only where a person reads them. */
export function answer({ json }: Answering, result: unknown, sentences: () => readonly string[]): void {
  console.log(json ? JSON.stringify(result) : sentences().join('\n'))
}

/** Beside the answer: what the operator should know, and no script has to read. */
export const warn = (sentence: string): void => console.error(sentence)

/**
 * Before anything is asked for of which a secret may come that only this command can tell.
 * @throws OperatorError when it could not.
 */
export function makeSureToTell({ json }: Answering): void {
  if (!json && !process.stdout.isTTY) tryToldOnce(loadSettings(process.env).dataFolder)
}

/**
 * The sentence with a secret made for the operator, or, where the output goes to no terminal and so perhaps to a
 * log, one that names the file it is in. `name` is the file's.
 */
export function tellOnce(name: string, sentence: string): string {
  if (process.stdout.isTTY) return `${sentence}  (this is told once)`
  try {
    return `A new secret is in ${writeToldOnce(loadSettings(process.env).dataFolder, name, sentence)}; read it and remove it.`
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    // The rest of the answer is true all the same, and needed to put this right.
    process.exitCode = 1
    return `This was done, and its secret is lost: give it another one. ${error.message}`
  }
}

/** Rows under a heading, in columns as wide as they need. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [heading, ...rows]
  const widths = heading.map((_, column) => Math.max(...all.map(row => (row[column] ?? '').length)))
  return all.map(row =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

/** An instant as an operator reads it: to the minute, in UTC. */
export const toMinute = (iso: string): string => `${iso.slice(0, 16).replace('T', ' ')}Z`
