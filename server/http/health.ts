/** Whether this process lives, and whether it can do its work: for the machines that watch it. Any host may ask. */
import { json, type Route } from './route.ts'

export const healthRoutes = (store: { ping(): Promise<void> }): readonly Route[] => [
  { method: 'GET', path: '/healthz', anyHost: true, speaks: 'json', answer: () => json(200, { status: 'ok' }) },
  {
    method: 'GET',
    path: '/readyz',
    anyHost: true,
    speaks: 'json',
    answer: () =>
      store.ping().then(
        () => json(200, { status: 'ok' }),
        () => json(503, { status: 'unavailable', database: 'does not answer' }),
      ),
  },
]
