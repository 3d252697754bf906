/** The limits: how often the call that matters can be made on that processor when nothing stands around it. The other side is `bare-calls.ts`. */
import { type Core, startWorker } from './processes.ts'

export interface BareCall {
  readonly call: 'RS256' | 'ES256' | 'argon2id'
  readonly inFlight: number
  readonly milliseconds: number
}

export interface Bare {
  /** Calls a second. */
  measure(call: BareCall): Promise<number>
  stop(): Promise<void>
}

export function startBare(core: Core): Bare {
  const worker = startWorker<BareCall, number>(new URL('bare-calls.ts', import.meta.url), core)
  return { measure: worker.ask, stop: worker.stop }
}
