/** The log on standard output by pino: a line of JSON an entry, or coloured text when somebody is watching. */
import pino from 'pino'
import type { Log } from './log.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** `pretty` is loaded only on a terminal, and writes synchronously: a worker thread would cost 10 MiB. */
export async function createLog(level: LogLevel, { pretty }: { pretty: boolean }): Promise<Log> {
  const options = { level, base: null, serializers: { error: pino.stdSerializers.err } }
  const stream = pretty
    ? (await import('pino-pretty')).default({ sync: true, translateTime: 'HH:MM:ss', singleLine: true })
    : undefined
  const log: Log = pino(options, stream ?? pino.destination({ sync: true }))
  return log
}
