/**
 * What a service is sent of a request: what came, without all that only the gateway may say (`strip.ts`), and then what
 * the gateway says: who is calling (`identity-headers.ts`), by whom it came, and which request it is.
 */
import type { Arrival, Caller } from './exchange.ts'
import type { IdentityHeaders } from './identity-headers.ts'
import type { EdgePlan, RoutePlan } from './plan.ts'
import { traceOf } from './sight/trace.ts'
import { createStrip } from './strip.ts'

export type Outgoing = (arrival: Arrival, route: RoutePlan, caller: Caller | null) => string[]

export function createOutgoing(plan: EdgePlan, identityOf: IdentityHeaders): Outgoing {
  const strip = createStrip(plan)
  return (arrival, route, caller) => {
    const headers = strip(arrival, route, caller)
    if (caller) headers.push(...identityOf(route, caller, arrival.now))
    // HTTP/1.0 may name none; the service is then asked by its own.
    if (arrival.authority !== '') headers.push('host', arrival.authority, 'x-forwarded-host', arrival.authority)
    headers.push(
      'x-forwarded-for',
      arrival.forwardedFor,
      'x-forwarded-proto',
      arrival.isSecure ? 'https' : 'http',
      'x-request-id',
      arrival.id,
    )
    const trace = traceOf(arrival)
    if (trace) {
      headers.push('traceparent', trace.traceparent)
      if (trace.tracestate !== null) headers.push('tracestate', trace.tracestate)
    }
    return headers
  }
}
