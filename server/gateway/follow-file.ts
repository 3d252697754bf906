/**
 * The route file while the gateway runs: read again when it or a file that it names changes, and when somebody asks. What
 * cannot be used is told and counted, and the gateway goes on by what it had. How changes are noticed is `watch-files.ts`.
 */
import { isDeepStrictEqual } from 'node:util'
import { OperatorError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { Gateway } from './gateway.ts'
import type { EdgePlan } from './plan.ts'
import type { RouteFile } from './route-file/read.ts'
import { type WatchOptions, watchFiles } from './watch-files.ts'

export interface FollowOptions {
  /** As the gateway has it now. */
  readonly first: RouteFile & { readonly plan: EdgePlan }
  /** Reads the file anew. Rejects with `OperatorError` where it cannot be read at all. */
  readonly read: () => Promise<RouteFile>
  readonly gateway: Pick<Gateway, 'reload' | 'keepPlan'>
  readonly log: Log
  readonly watching?: WatchOptions
}

export interface Following {
  /** Reads it now, changed or not. Resolves when the gateway goes by it, or goes on by what it had. */
  reload(): Promise<void>
  stop(): void
}

export function followRouteFile({ first, read, gateway, log, watching }: FollowOptions): Following {
  // What only a restart takes is compared with what the gateway began with.
  const began = first.plan
  let last: Promise<void> = Promise.resolve()
  const watch = watchFiles(first.files, () => void reload(), watching)

  /** One after the other, so that the file that was read last is the one in force. */
  function reload(): Promise<void> {
    last = last.then(readAgain)
    return last
  }

  async function readAgain(): Promise<void> {
    try {
      const file = await read()
      // Of a file with faults too: what is mended may be what it names.
      watch.follow(file.files)
      if (!file.plan) return keep(file.faults)
      await gateway.reload(file.plan)
      for (const warning of file.warnings) log.warn({}, warning)
      const waiting = needingRestart(began, file.plan)
      if (waiting.length > 0) log.warn({ members: waiting }, 'these members of the route file need a restart')
      log.info({ routes: file.plan.routes.length }, 'another route file is in force')
    } catch (error) {
      if (error instanceof OperatorError) keep(error.message.split('\n'))
      else {
        log.error({ error }, 'the route file could not be put in force; the one before stays')
        gateway.keepPlan()
      }
    }
  }

  function keep(faults: readonly string[]): void {
    log.error({ faults }, 'the route file cannot be used; the one before stays in force')
    gateway.keepPlan()
  }

  return { reload, stop: watch.stop }
}

/** Members that a running gateway goes on with as it began. */
const AT_START = { listen: 'listen', metrics: 'metrics', bounds: 'limits' } as const

function needingRestart(before: EdgePlan, after: EdgePlan): readonly string[] {
  const changed = (Object.keys(AT_START) as (keyof typeof AT_START)[]).filter(
    member => !isDeepStrictEqual(before[member], after[member]),
  )
  const hasOtherProtocol = (before.tls === null) !== (after.tls === null)
  return [...changed.map(member => AT_START[member]), ...(hasOtherProtocol ? ['tls'] : [])]
}
