/** Asks targets whether they are well. A little off the beat, so that many gateways do not ask in the same instant. */
import { get as getSecurely } from 'node:https'
import { get } from '../../kernel/node-http.ts'
import type { UpstreamPlan } from '../plan.ts'
import type { Target } from './target.ts'

type Settings = NonNullable<UpstreamPlan['health']>

/** Of the interval, either way. */
const JITTER = 0.1

/** Begins at once. Answers how to stop. */
export function startChecks(target: Target, settings: Settings): () => void {
  const stopped = new AbortController()
  let timer: NodeJS.Timeout
  const later = () => {
    if (stopped.signal.aborted) return
    timer = setTimeout(check, settings.interval * (1 - JITTER + 2 * JITTER * Math.random()))
    timer.unref()
  }
  const check = () =>
    void ask(target.url, settings, stopped.signal).then(isGood => {
      if (!stopped.signal.aborted) target.health.checked(isGood)
      later()
    })
  check()
  return () => {
    stopped.abort()
    clearTimeout(timer)
  }
}

/** Well is what answers with success, or sends elsewhere, in time. */
function ask(origin: URL, { path, timeout }: Settings, stopped: AbortSignal): Promise<boolean> {
  return new Promise(resolve => {
    const signal = AbortSignal.any([stopped, AbortSignal.timeout(timeout)])
    const asking = (origin.protocol === 'https:' ? getSecurely : get)(
      new URL(path, origin),
      { agent: false, signal },
      answer => {
        answer.resume()
        answer.on('error', () => {})
        const { statusCode = 0 } = answer
        resolve(statusCode >= 200 && statusCode < 400)
      },
    )
    asking.on('error', () => resolve(false))
  })
}
