/**
 * THE ORDER OF CHECKS. Whether a request may go on, from what arrived to a decision: nothing is forwarded that did not come
 * through here, and `/edge/check` and `explain` ask the same function. Where all is known already it answers at once,
 * without a promise; a look-up that has to ask somebody makes it wait.
 */
import { preflightAnswer } from './cors.ts'
import type { Credential } from './credentials.ts'
import type { Limits } from './edge.ts'
import { type Arrival, type Caller, type Decision, type Refusal, Refused } from './exchange.ts'
import { judge } from './judge.ts'
import type { RouteTable } from './match.ts'
import type { Access, RoutePlan } from './plan.ts'
import { isUnauthorized } from './refuse.ts'

export interface AdmissionParts {
  readonly table: RouteTable
  readonly credentials: readonly Credential[]
  readonly limits: Limits
}

export type Admit = (arrival: Arrival) => Decision | Promise<Decision>

export function createAdmission({ table, credentials, limits }: AdmissionParts): Admit {
  return arrival => {
    const route = table.find(arrival)
    if (!route) return refused(null, { code: 'no_route' })
    const evaded = table.evadedBy(route, arrival)
    if (evaded)
      return refused(route, { code: 'bad_path', detail: `a service may read it as what ${evaded.name} guards` })
    const preflight = preflightAnswer(route, arrival)
    if (preflight) return { pass: false, route, answer: preflight }
    return settle(route, arrival, () =>
      after(limits.judgeAddress(route, arrival), tooMany => {
        refuseIf(tooMany ?? judgeLength(route, arrival))
        if (route.access.kind === 'public' || isInternalAddress(route.access, arrival))
          return unlessBusy(route, arrival, null)
        const sent = exactlyOne(route, arrival)
        if (!sent) {
          judgeAnonymous(route)
          return unlessBusy(route, arrival, null)
        }
        return after(sent.credential.read(sent.text, arrival, route), caller => {
          judgeAccess(route, caller, arrival)
          return unlessBusy(route, arrival, caller, sent.credential)
        })
      }),
    )
  }

  /** Counted last of what may be refused, so that nothing is spent in vain. */
  function unlessBusy(route: RoutePlan, arrival: Arrival, caller: Caller | null, credential?: Credential) {
    return after(limits.judgeIdentity(route, arrival, caller), busy => {
      refuseIf(busy)
      return after(caller && credential?.spend?.(caller, arrival), () => passed(route, caller))
    })
  }

  /** Of those that the route takes. What it does not take is not read, and does not go on either (`strip.ts`). */
  function exactlyOne(route: RoutePlan, arrival: Arrival): { credential: Credential; text: string } | undefined {
    let sent: { credential: Credential; text: string } | undefined
    for (const credential of credentials) {
      if (!route.credentials.includes(credential.kind)) continue
      const text = credential.find(arrival)
      if (text === undefined) continue
      if (sent) throw new Refused({ code: 'several_credentials' })
      sent = { credential, text }
    }
    return sent
  }

  /** What a step threw, or rejected with, because of the request becomes the decision. */
  function settle(route: RoutePlan, arrival: Arrival, decide: () => Decision | Promise<Decision>) {
    const told = (error: unknown): Decision => {
      if (!(error instanceof Refused)) throw error
      const answer = isUnauthorized(error.refusal) ? invitation(route, arrival, error.refusal) : undefined
      return answer ? { pass: false, route, answer } : refused(route, error.refusal)
    }
    try {
      const decision = decide()
      return decision instanceof Promise ? decision.catch(told) : decision
    } catch (error) {
      return told(error)
    }
  }

  /** A browser is told where to sign in, unless it sent something else than what it would get there. */
  function invitation(route: RoutePlan, arrival: Arrival, refusal: Refusal) {
    const taken = credentials.filter(({ kind }) => route.credentials.includes(kind))
    const hosts = taken.filter(({ invite }) => invite)
    if (hosts.length === 0 || taken.some(one => !one.invite && one.find(arrival) !== undefined)) return undefined
    return hosts[0]?.invite?.(arrival, route, refusal)
  }
}

const passed = (route: RoutePlan, caller: Caller | null): Decision => ({ pass: true, route, caller })
const refused = (route: RoutePlan | null, refusal: Refusal): Decision => ({ pass: false, route, refusal })

function refuseIf(refusal: Refusal | undefined): void {
  if (refusal) throw new Refused(refusal)
}

/** What it says of its body's length; a body of unknown length is measured while it is forwarded. */
function judgeLength({ maxBody }: RoutePlan, { headers }: Arrival): Refusal | undefined {
  const length = headers['content-length']
  return length !== undefined && Number(length) > maxBody ? { code: 'body_too_large' } : undefined
}

export const isInternalAddress = (access: Access, { address }: Arrival): boolean =>
  access.kind === 'internal' && access.addresses.check(address, address.includes(':') ? 'ipv6' : 'ipv4')

/** Throws `Refused` where being nobody is not enough. */
function judgeAnonymous({ access }: RoutePlan): void {
  if (access.kind === 'optional') return
  if (access.kind === 'internal' && !access.rule) throw new Refused({ code: 'not_internal' })
  const scopes = access.kind === 'required' ? access.rule.scopes : []
  throw new Refused({ code: 'no_credential', ...(scopes.length > 0 && { challenge: { scope: scopes.join(' ') } }) })
}

/** Throws `Refused`. */
function judgeAccess(route: RoutePlan, caller: Caller, { now }: Arrival): void {
  const { access } = route
  if (access.kind === 'public') return
  const { rule } = access
  if (!rule) throw new Refused({ code: 'not_internal' })
  judge(caller, route, rule, now)
  if (access.kind === 'internal' && !isMachineOf(access.clients, caller)) throw new Refused({ code: 'not_internal' })
}

/** A person's token that a listed client was given is not the client's own. RFC 9068 §2.2 names a machine by its id alone. */
const isMachineOf = (clients: readonly string[], { clientId, claims: { sub } }: Caller): boolean =>
  clientId !== null && clients.includes(clientId) && (sub === `${clientId}@clients` || sub === clientId)

/** At once where nothing is waited for. */
function after<T, R>(value: T | Promise<T>, next: (value: T) => R | Promise<R>): R | Promise<R> {
  return value instanceof Promise ? value.then(next) : next(value)
}
