/** Every metric of ours by name: what it is, by which labels, and when somebody should look. `docs/metrics.gen.md` is printed from it. */

export interface Metric {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly labels?: readonly string[]
  /** In seconds, of a histogram. */
  readonly buckets?: readonly number[]
  /** Of several processes one tells it: it is the database's, not the process's. */
  readonly isShared?: true
  /** What of several processes' values is told; their sum where nothing is said. */
  readonly ofSeveral?: 'min' | 'max'
}

const REQUEST_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
const WAIT_BUCKETS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2]

export const CATALOGUE = {
  latchkey_build_info: {
    kind: 'gauge',
    help: 'Always 1: which version runs, on which Node and which kind of database.',
    labels: ['version', 'node', 'database'],
    isShared: true,
  },
  latchkey_http_requests_seconds: {
    kind: 'histogram',
    help: 'Requests answered, by the pattern of the route, method and status, with how long each took.',
    labels: ['route', 'method', 'status'],
    buckets: REQUEST_BUCKETS,
  },
  latchkey_tokens_issued_total: {
    kind: 'counter',
    help: 'Tokens signed: access and ID tokens, by the grant type (`authorize` for those of /authorize) and algorithm.',
    labels: ['kind', 'grant', 'algorithm'],
  },
  latchkey_api_keys_asked_total: {
    kind: 'counter',
    help: 'API keys that somebody asked about whom they concern: `counts`, or `refused` because it was revoked or is over.',
    labels: ['outcome'],
  },
  latchkey_claims_left_out_total: {
    kind: 'counter',
    help: 'Claims of the operator’s own that a token went without: `failed`, `over_limit` or `too_long`. The log says which.',
    labels: ['reason'],
  },
  latchkey_events_total: {
    kind: 'counter',
    help: 'Events written, by their type; those left out of a flood of one kind are counted with the next of it.',
    labels: ['type'],
  },
  latchkey_sign_ins_total: {
    kind: 'counter',
    help: 'Sign-ins by outcome: `succeeded`, `renewed` in a browser that was signed in, `failed`.',
    labels: ['outcome'],
  },
  latchkey_client_authentication_failures_total: {
    kind: 'counter',
    help: 'Clients that could not prove that they are who they say.',
  },
  latchkey_password_checks_seconds: {
    kind: 'histogram',
    help: 'How long password checks waited for their turn, those that were sent away included.',
    labels: ['outcome'],
    buckets: WAIT_BUCKETS,
  },
  latchkey_password_checks_waiting: { kind: 'gauge', help: 'Password checks that wait for their turn.' },
  latchkey_events_buffered: { kind: 'gauge', help: 'Events in memory that the database has not taken yet.' },
  latchkey_events_dropped_total: { kind: 'counter', help: 'Events that found no room in memory while it took none.' },
  latchkey_cache_lookups_total: {
    kind: 'counter',
    help: 'What was looked up in memory first, by what it is and whether it was there.',
    labels: ['cache', 'outcome'],
  },
  latchkey_bus_missed_total: {
    kind: 'counter',
    help: 'How often word from other nodes may have been lost, and all that was remembered was forgotten.',
  },
  latchkey_job_seconds_total: { kind: 'counter', help: 'Time that background jobs took.', labels: ['job'] },
  latchkey_job_runs_total: {
    kind: 'counter',
    help: 'Runs of background jobs: `done` or `failed`.',
    labels: ['job', 'outcome'],
  },
  latchkey_job_last_success_timestamp_seconds: {
    kind: 'gauge',
    help: 'When each background job last succeeded; of several processes, where that is longest ago.',
    labels: ['job'],
    ofSeveral: 'min',
  },
  latchkey_revocation_lag: {
    kind: 'gauge',
    help: 'Revocations in the log that this process has not read yet. None is missed: what was not read is asked for.',
    ofSeveral: 'max',
  },
  latchkey_revocation_streams: {
    kind: 'gauge',
    help: 'Streams of revocations that are open: one for each gateway or service that follows the log.',
  },
  latchkey_revocation_stream_entries_total: {
    kind: 'counter',
    help: 'Revocations sent over those streams, each as often as there are streams that it went to.',
  },
  latchkey_revocation_head: { kind: 'gauge', help: 'The number of the last revocation.', isShared: true },
  latchkey_mail_waiting: { kind: 'gauge', help: 'Mail that was promised and has not left.', isShared: true },
  latchkey_key_age_seconds: {
    kind: 'gauge',
    help: 'Since when each signing key and secret of the default tenant has been in its state.',
    labels: ['purpose', 'algorithm', 'state'],
    isShared: true,
  },
  latchkey_key_next_change_timestamp_seconds: {
    kind: 'gauge',
    help: 'When the schedule next changes a key, of whichever tenant.',
    isShared: true,
  },
  latchkey_database_up: { kind: 'gauge', help: 'Whether the database answered just now: 1 or 0.', isShared: true },
  latchkey_database_answer_seconds: { kind: 'gauge', help: 'How long it took to.', isShared: true },
} as const satisfies Readonly<Record<string, Metric>>

export type MetricName = keyof typeof CATALOGUE

/** What each outcome of a sign-in is called among the events. */
export const SIGN_IN_OUTCOMES: Readonly<Record<string, string>> = {
  'session.started': 'succeeded',
  'session.renewed': 'renewed',
  'sign-in.failed': 'failed',
}

export const CLIENT_REFUSED = 'client.authentication-failed'
