/** The log by pino: a line of JSON an entry, or coloured text when somebody is watching. */
import pino from 'pino'
import type { Log } from './log.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

interface LogOptions {
  /** Loaded only on a terminal, and writes synchronously: a worker thread would cost 10 MiB. */
  readonly pretty: boolean
  /** The file descriptor written to: standard output, or standard error where the output is somebody's answer. */
  readonly to?: 1 | 2
  /** Which of several processes writes into the same output. */
  readonly worker?: number | undefined
}

export async function createLog(level: LogLevel, { pretty, to = 1, worker }: LogOptions): Promise<Log> {
  const options = {
    level,
    base: worker === undefined ? null : { worker },
    timestamp: createTimestamp(),
    // Its name, and not pino's number for it.
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { error: pino.stdSerializers.err },
  }
  const stream = pretty
    ? (await import('pino-pretty')).default({
        sync: true,
        destination: to,
        translateTime: 'HH:MM:ss',
        singleLine: true,
        // A request reads as one; what is left of an entry's fields follows.
        messageFormat: '{msg}{if method} {method} {path} {status} in {ms} ms{end}',
        ignore: 'method,path,status,ms',
      })
    : undefined
  const output = stream ?? onceATurn(pino.destination({ dest: to, sync: true }))
  const log: Log & Pick<pino.Logger, 'isLevelEnabled'> = pino(options, output)
  if (stream) return log
  const from = worker === undefined ? '' : `,"worker":${worker}`
  log.infoMembers = log.isLevelEnabled('info')
    ? (members, message) =>
        output.write(`{"level":"info"${options.timestamp()}${from},${members},"msg":${JSON.stringify(message)}}\n`)
    : () => {}
  return log
}

/** In bytes, of what a pipe takes whole when several processes write into it (PIPE_BUF of Linux). */
const MOST_AT_ONCE = 4096

/**
 * Lines of one turn of the event loop go out by one call of the system, which takes longer than all else of a line. None
 * waits for another turn, and what is left when the process ends is written then. Workers write into one pipe: no more goes
 * out at once than it takes whole, or lines of theirs would stand in the middle of ours.
 */
function onceATurn(output: { write(text: string): unknown }): { write(line: string): void } {
  let lines = ''
  let size = 0
  const flush = () => {
    if (lines === '') return
    const text = lines
    lines = ''
    size = 0
    output.write(text)
  }
  toFlush.push(flush)
  return {
    write(line) {
      const bytes = Buffer.byteLength(line)
      if (size > 0 && size + bytes > MOST_AT_ONCE) flush()
      if (lines === '') setImmediate(flush)
      lines += line
      size += bytes
    },
  }
}

/** Of every log of this process. */
const toFlush: (() => void)[] = []
process.on('exit', () => {
  for (const flush of toFlush) flush()
})

/** RFC 3339, as pino's own, but made once a millisecond: under load, many lines share one. */
function createTimestamp(): () => string {
  let written = Number.NaN
  let text = ''
  return () => {
    const now = Date.now()
    if (now !== written) {
      written = now
      text = `,"time":"${new Date(now).toISOString()}"`
    }
    return text
  }
}
