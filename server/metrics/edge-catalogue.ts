/** What a gateway counts: its metrics by name, as `catalogue.ts` has the identity server's. */
import type { Metric } from './catalogue.ts'

/** A gateway's own part of a request is a millisecond; a service's may be seconds. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export const EDGE_CATALOGUE = {
  latchkey_edge_build_info: {
    kind: 'gauge',
    help: 'Always 1: which version runs, on which Node.',
    labels: ['version', 'node'],
  },
  latchkey_edge_requests_total: {
    kind: 'counter',
    help: 'Requests that are over, by the name of the route (`none`), what was decided (`passed`, `answered` by the gateway itself, or the reason why not) and the status.',
    labels: ['route', 'decision', 'status'],
  },
  latchkey_edge_requests_aborted_total: {
    kind: 'counter',
    help: 'Requests whose client left before the end of the answer.',
    labels: ['route'],
  },
  latchkey_edge_request_seconds: {
    kind: 'histogram',
    help: 'How long each request took, to the end of its answer; an upgrade until it was closed.',
    labels: ['route'],
    buckets: BUCKETS,
  },
  latchkey_edge_upstream_seconds: {
    kind: 'histogram',
    help: 'How long an upstream took until its answer began, attempts that failed included.',
    labels: ['upstream'],
    buckets: BUCKETS,
  },
  latchkey_edge_retries_total: {
    kind: 'counter',
    help: 'Attempts beyond the first.',
    labels: ['upstream'],
  },
  latchkey_edge_token_lookups_total: {
    kind: 'counter',
    help: 'Tokens looked up in memory: `hit`, or `miss` for those that had to be verified.',
    labels: ['outcome'],
  },
  latchkey_edge_breaker_state: {
    kind: 'gauge',
    help: 'Of each target’s breaker: 0 closed, 1 half open, 2 open.',
    labels: ['upstream', 'target'],
  },
  latchkey_edge_breaker_opened_total: {
    kind: 'counter',
    help: 'How often each target’s breaker opened.',
    labels: ['upstream', 'target'],
  },
  latchkey_edge_target_up: {
    kind: 'gauge',
    help: 'Whether health checks find each target well: 1 or 0. Before anything is known of it, it is not told.',
    labels: ['upstream', 'target'],
  },
  latchkey_edge_revocation_age_seconds: {
    kind: 'gauge',
    help: 'How long ago the issuer’s log of revocations was as this gateway knows it. Routes refuse beyond their `on_stale`.',
    labels: ['issuer'],
  },
  latchkey_edge_revocation_position: {
    kind: 'gauge',
    help: 'The number up to which the issuer’s log of revocations is known here: what its `latchkey_revocation_head` is ahead is on its way.',
    labels: ['issuer'],
  },
  latchkey_edge_requests_open: {
    kind: 'gauge',
    help: 'Requests under way.',
  },
  latchkey_edge_connections_open: {
    kind: 'gauge',
    help: 'Connections of clients, upgraded ones included.',
  },
  latchkey_edge_connections_turned_away_total: {
    kind: 'counter',
    help: 'Connections ended before they had sent a request that could be read: `malformed`, `header_too_large`, `too_slow` or `too_many`.',
    labels: ['reason'],
  },
  latchkey_edge_upgrades_open: { kind: 'gauge', help: 'WebSockets and other upgraded connections.' },
  latchkey_edge_reloads_total: {
    kind: 'counter',
    help: 'Route files that were read again: `applied`, or `refused` while the one before stays in force.',
    labels: ['outcome'],
  },
  latchkey_edge_last_reload_timestamp_seconds: { kind: 'gauge', help: 'When the route file in force was read.' },
} as const satisfies Readonly<Record<string, Metric>>

export type EdgeMetricName = keyof typeof EDGE_CATALOGUE
