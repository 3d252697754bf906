/** The `upstreams` of a route file as plans. */

import type { UpstreamPlan } from '../plan.ts'
import { type Entry, isWhole, type Read, type Reading } from './member.ts'
import { UPSTREAM } from './schema.ts'

/** By name; those with a fault are not there. */
export function planUpstreams(
  given: readonly Entry<typeof UPSTREAM>[],
  reading: Reading,
): ReadonlyMap<string, UpstreamPlan> {
  const plans = new Map<string, UpstreamPlan>()
  for (const { name, path, read } of given) {
    refuseRepeatedTargets(read, [...path, 'targets'], reading)
    if (isWhole(UPSTREAM, read)) plans.set(name, planUpstream(name, read))
  }
  return plans
}

const planUpstream = (
  name: string,
  { retry_budget: retryBudget, breaker, ...read }: Read<typeof UPSTREAM>,
): UpstreamPlan => ({
  ...read,
  name,
  retryBudget,
  breaker: breaker && {
    ...breaker,
    fallback: breaker.fallback && {
      status: breaker.fallback.status,
      body: breaker.fallback.body,
      contentType: breaker.fallback.content_type,
    },
  },
})

function refuseRepeatedTargets(
  { targets = [] }: Partial<Read<typeof UPSTREAM>>,
  path: readonly (string | number)[],
  { findings }: Reading,
): void {
  const seen = new Set<string>()
  for (const [index, { url }] of targets.entries()) {
    if (seen.has(url.href)) findings.fault([...path, index], `The target ${url.href} is there twice: give it a weight.`)
    seen.add(url.href)
  }
}
