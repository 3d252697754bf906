/**
 * A load generator in C, Debian's wrk, for whoever is measured at more requests a second than one that runs on Node can
 * ask without taking the second processor for itself. Each connection has one request under way.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Core, pinnedTo } from '../processes.ts'

export interface Load {
  readonly port: number
  readonly path: string
  /** One token a line. Beyond the last, the first comes again. */
  readonly tokens: string
  readonly seconds: number
  readonly connections: number
}

export interface Loaded {
  readonly requests: number
  readonly seconds: number
  /** In milliseconds. */
  readonly p50: number
  readonly p99: number
}

const SCRIPT = fileURLToPath(new URL('bearer.lua', import.meta.url))

/** Throws where one answer was not the expected one. */
export async function load({ port, path, tokens, seconds, connections }: Load, core: Core): Promise<Loaded> {
  const [program = '', ...args] = [
    ...pinnedTo(core),
    ...['wrk', '--threads', '1', '--connections', String(connections), '--duration', `${seconds}s`],
    ...['--script', SCRIPT, `http://127.0.0.1:${port}`, '--', tokens, path],
  ]
  const { stdout } = await promisify(execFile)(program, args)
  const { failed, ...loaded } = JSON.parse(stdout.slice(stdout.lastIndexOf('\n{') + 1))
  if (failed > 0) throw new Error(`${failed} of ${loaded.requests} requests to port ${port} failed:\n${stdout}`)
  return loaded
}
