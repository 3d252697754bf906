/**
 * The end of a server's connections: each ends with the answer it carries. How long is waited for those that never
 * finish is `compose.ts`'s.
 */
import type { FastifyInstance } from 'fastify'

/** Node ends what is idle in the instant that a server closes; what becomes idle later would hold the process. */
export function endConnectionsWhenClosing(app: FastifyInstance): void {
  let isClosing = false
  app.addHook('preClose', done => {
    isClosing = true
    done()
  })
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (isClosing) reply.header('connection', 'close')
    done(null, payload)
  })
}
