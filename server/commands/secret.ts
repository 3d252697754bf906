/**
 * Secrets on their way in: typed where nobody sees them, piped in, or made. Never an argument, which every process
 * of the machine can read.
 */
import { isUtf8 } from 'node:buffer'
import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { OperatorError } from '../kernel/errors.ts'

/**
 * All of standard input but for one line's end. `option` is what asked for it.
 * @throws OperatorError for what is not UTF-8: what it would be read as is another secret, and easier to guess.
 */
export async function readPiped(option: string): Promise<string> {
  if (process.stdin.isTTY) throw new OperatorError(`${option} reads what is piped in, and nothing is.`)
  const bytes = await buffer(process.stdin)
  if (!isUtf8(bytes))
    throw new OperatorError(`What ${option} was given is not text in UTF-8. Encode it first, in base64 for instance.`)
  return bytes.toString('utf8').replace(/\r?\n$/, '')
}

/** Asked for twice on the terminal, without an echo; null when there is no terminal, or nothing was typed. */
export async function typeUnseen(what: string): Promise<string | null> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return null
  const first = await typeOnce(`${what} (empty: one is made): `)
  if (first === '') return null
  if ((await typeOnce('The same again: ')) !== first) throw new OperatorError('These were two different ones.')
  return first
}

async function typeOnce(question: string): Promise<string> {
  // Given a terminal, readline echoes what is typed by writing it: to nowhere.
  const output = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: process.stdin, output, terminal: true })
  // Ctrl-D closes it without an answer, Ctrl-C rejects the question.
  const left = once(lines, 'close').then(() => null)
  process.stderr.write(question)
  const typed = await Promise.race([lines.question('').catch(() => null), left])
  lines.close()
  process.stderr.write('\n')
  if (typed === null) throw new OperatorError('Nothing was done.')
  return typed
}
