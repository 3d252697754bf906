/**
 * A guard before the routes of Fastify, as a hook. What is let through, and what is answered otherwise, is guard.ts.
 *
 *   app.get('/videos', { onRequest: requireToken(guard, { scopes: ['read:videos'] }) }, async request => …)
 */
import { type Auth, type Guard, type GuardedRequest, isDenied, type Wanted } from './guard.ts'

export { type Auth, authOf, createGuard, type Guard, type GuardOptions, type Wanted } from './guard.ts'

/** What is asked of a reply. */
export interface PlainReply {
  code(status: number): unknown
  header(name: string, value: string): unknown
  send(body: string): unknown
}

export type Hook = (request: { readonly raw: GuardedRequest }, reply: PlainReply) => Promise<unknown>

/** Sets `request.auth`, which `authOf(request)` reads with its type, and answers whoever is not let through. */
export function requireToken(guard: Guard, wanted?: Wanted): Hook {
  return async (request, reply) => {
    const verdict = await guard.judge(request.raw, wanted)
    if (!isDenied(verdict)) {
      Object.assign(request, { auth: verdict } satisfies { auth: Auth })
      return undefined
    }
    reply.code(verdict.status)
    for (const [name, value] of Object.entries(verdict.headers)) reply.header(name, value)
    return reply.send(verdict.body)
  }
}
