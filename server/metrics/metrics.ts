/** What the identity server counts, for its parts to count by. How is `registry.ts`'s, what there is `catalogue.ts`'s. */
import type { Meter } from '../kernel/meter.ts'
import { CATALOGUE, CLIENT_REFUSED, type MetricName, SIGN_IN_OUTCOMES } from './catalogue.ts'
import { createCounting, type Reading, type Scraped } from './registry.ts'

export type Readings = Partial<Record<MetricName, Reading>>

export interface Metrics extends Scraped<MetricName> {
  readonly meter: Meter
}

export function createMetrics(): Metrics {
  const counting = createCounting<MetricName>(CATALOGUE)
  const { counter, gauge, histogram } = counting
  return {
    ...counting,
    meter: {
      answered: ({ route, method, status, milliseconds }) =>
        histogram('latchkey_http_requests_seconds').observe({ route, method, status }, milliseconds / 1000),
      tokenIssued: token => counter('latchkey_tokens_issued_total').inc({ ...token }),
      apiKeyAsked: outcome => counter('latchkey_api_keys_asked_total').inc({ outcome }),
      claimLeftOut: reason => counter('latchkey_claims_left_out_total').inc({ reason }),
      happened(type, times) {
        counter('latchkey_events_total').inc({ type }, times)
        const outcome = SIGN_IN_OUTCOMES[type]
        if (outcome !== undefined) counter('latchkey_sign_ins_total').inc({ outcome }, times)
        if (type === CLIENT_REFUSED) counter('latchkey_client_authentication_failures_total').inc(times)
      },
      waitedForHash: (milliseconds, outcome) =>
        histogram('latchkey_password_checks_seconds').observe({ outcome }, milliseconds / 1000),
      revocationsTold: entries => counter('latchkey_revocation_stream_entries_total').inc(entries),
      jobRan(job, milliseconds, outcome) {
        counter('latchkey_job_seconds_total').inc({ job }, milliseconds / 1000)
        counter('latchkey_job_runs_total').inc({ job, outcome })
        if (outcome === 'done') gauge('latchkey_job_last_success_timestamp_seconds').set({ job }, Date.now() / 1000)
      },
    },
  }
}
