/**
 * A guard before the routes of Express, or of anything that hands over Node's own request and response: Connect, Polka,
 * `node:http`. What is let through, and what is answered otherwise, is guard.ts.
 *
 *   app.get('/videos', requireToken(guard, { scopes: ['read:videos'] }), (request, response) => …)
 */
import { type Auth, type Guard, type GuardedRequest, isDenied, type Wanted } from './guard.ts'

export { type Auth, authOf, createGuard, type Guard, type GuardOptions, type Wanted } from './guard.ts'

/** What is asked of a response. */
export interface PlainResponse {
  statusCode: number
  setHeader(name: string, value: string): unknown
  end(body: string): unknown
}

export type Middleware = (request: GuardedRequest, response: PlainResponse, next: (error?: unknown) => void) => void

/** Sets `request.auth`, which `authOf(request)` reads with its type, and answers whoever is not let through. */
export function requireToken(guard: Guard, wanted?: Wanted): Middleware {
  return (request, response, next) => {
    guard.judge(request, wanted).then(verdict => {
      if (!isDenied(verdict)) {
        Object.assign(request, { auth: verdict } satisfies { auth: Auth })
        next()
        return
      }
      response.statusCode = verdict.status
      for (const [name, value] of Object.entries(verdict.headers)) response.setHeader(name, value)
      response.end(verdict.body)
    }, next)
  }
}
