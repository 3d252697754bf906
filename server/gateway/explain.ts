/**
 * Why a request would pass or not, step by step, for whoever wrote the route file. Every step asks the function that a
 * running gateway asks, and the outcome is that of `admit.ts` itself: nothing is decided here. Nothing is counted against
 * a limit, nothing is spent, and no token is repeated.
 */

import { shortfall } from '../policy/gateway-rule.ts'
import { createAdmission, isInternalAddress } from './admit.ts'
import { hostOf } from './arrive.ts'
import type { Credential } from './credentials.ts'
import { type Arrival, type Caller, type Decision, type RefusalCode, Refused } from './exchange.ts'
import { checkRevocations, checkTimesAndAudience } from './judge.ts'
import { compileRoutes } from './match.ts'
import { readTarget } from './path.ts'
import type { Access, EdgePlan, RoutePlan, Rule } from './plan.ts'
import { REASONS } from './refuse.ts'

export interface Asked {
  readonly method: string
  /** As a client names it, with a port or without; '' for none. */
  readonly authority: string
  readonly isSecure: boolean
  /** As it would be sent. */
  readonly target: string
  readonly token: string | null
  readonly address: string
}

export interface Step {
  readonly about: 'path' | 'route' | 'access' | 'credential' | 'token' | 'times' | 'proof' | 'revocations' | 'rule'
  /** Null: neither good nor bad. */
  readonly isGood: boolean | null
  readonly says: string
}

export interface Explanation {
  readonly steps: readonly Step[]
  readonly outcome: 'passes' | 'refused' | 'answered'
  readonly status: number | null
  /** Why not. */
  readonly code: RefusalCode | null
  readonly route: { readonly name: string; readonly line: number } | null
}

export async function explain(
  plan: EdgePlan,
  credentials: readonly Credential[],
  asked: Asked,
  now: number,
): Promise<Explanation> {
  const steps: Step[] = []
  const say = (about: Step['about'], isGood: boolean | null, says: string): void => {
    steps.push({ about, isGood, says })
  }
  const arrival = arrivalOf(asked, now)
  if (!arrival) {
    say('path', false, 'it can be read in more than one way, or the host is none')
    return { steps, ...refusedBy('bad_path'), route: null }
  }
  say('path', true, `${arrival.path}${arrival.host === '' ? '' : ` on ${arrival.host}`}`)

  const table = compileRoutes(plan.routes)
  const route = table.find(arrival)
  for (const { plan: one, mismatch } of table.routes) {
    const other = mismatch(arrival)
    say('route', one === route, `line ${one.line}, ${one.name}: ${other ? `another ${other}` : 'it is this one'}`)
    if (one === route) break
  }
  if (route) await explainRoute(route, credentials, arrival, say)

  const admit = createAdmission({ table, credentials: credentials.map(withoutSpending), limits: UNLIMITED })
  return { steps, ...outcomeOf(await admit(arrival)), route: route ? { name: route.name, line: route.line } : null }
}

/** Undefined for what a gateway would not read. */
function arrivalOf({ method, authority, isSecure, target, token, address }: Asked, now: number): Arrival | undefined {
  const [read, named] = [readTarget(target), hostOf(authority)]
  if (!read || !named) return undefined
  return {
    id: 'explained',
    method,
    ...named,
    ...read,
    rawHeaders: token === null ? [] : ['authorization', `Bearer ${token}`],
    headers: token === null ? {} : { authorization: `Bearer ${token}` },
    address,
    forwardedFor: address,
    isSecure,
    isUpgrade: false,
    now,
  }
}

type Say = (about: Step['about'], isGood: boolean | null, says: string) => void

async function explainRoute(
  route: RoutePlan,
  credentials: readonly Credential[],
  arrival: Arrival,
  say: Say,
): Promise<void> {
  const { access } = route
  say('access', null, describeAccess(access))
  if (access.kind === 'public') return
  if (isInternalAddress(access, arrival)) return say('access', true, `the address ${arrival.address} is listed`)
  const taken = credentials.filter(({ kind }) => route.credentials.includes(kind))
  const sent = taken.filter(one => one.find(arrival) !== undefined)
  const [credential, another] = sent
  if (!credential || another) {
    const kinds = (of: readonly Credential[]) => of.map(({ kind }) => kind).join(', ') || 'none'
    say(
      'credential',
      another ? false : null,
      another ? `several: ${kinds(sent)}` : `none of what is taken: ${kinds(taken)}`,
    )
    return
  }
  say('credential', true, credential.kind)
  const caller = await tryTo('token', say, () => credential.read(credential.find(arrival) ?? '', arrival, route))
  if (!caller) return
  say('token', true, describeCaller(caller))
  if (access.rule) await explainRule(caller, route, access.rule, arrival.now, say)
}

/** In the order of `judge.ts`, which stops at the first that is not so. */
async function explainRule(caller: Caller, route: RoutePlan, rule: Rule, now: number, say: Say): Promise<void> {
  if (await tryTo('times', say, () => checkTimesAndAudience(caller, rule, now) ?? true))
    say('times', true, `within its time, and for ${rule.audience}`)
  if (caller.claims['cnf'] !== undefined) say('proof', false, 'it is bound to a key, which nothing here can prove')
  if (!caller.issuer.revocations) say('revocations', null, 'what was revoked is not asked here')
  else {
    const refusal = checkRevocations(caller, route)
    const age = caller.issuer.revocations.age()
    const heard = Number.isFinite(age) ? `heard of ${Math.round(age)} ms ago` : 'never heard of'
    say(
      'revocations',
      !refusal,
      refusal ? `${REASONS[refusal.code].sentence} They were ${heard}.` : `not revoked, ${heard}`,
    )
  }
  const lacking = shortfall(rule, caller, now)
  say('rule', !lacking, lacking ? `not so: ${lacking.detail}` : 'holds')
}

/** What was thrown because of the request is a step that is not good. */
async function tryTo<T>(about: Step['about'], say: Say, act: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    const { code, detail } = error.refusal
    say(about, false, detail ?? REASONS[code].sentence)
    return undefined
  }
}

function describeAccess(access: Access): string {
  if (access.kind === 'public') return 'public: everybody passes'
  const asks = access.rule ? describeRule(access.rule) : ''
  if (access.kind === 'optional') return `optional; of a token: ${asks}`
  if (access.kind === 'required') return `asks for ${asks}`
  return `internal: ${access.clients.length > 0 ? `the clients ${access.clients.join(', ')}` : 'no clients'}, and listed addresses`
}

function describeRule({ audience, scopes, permissions, organization, amr, acr, maxAgeSeconds }: Rule): string {
  return [
    `audience ${audience}`,
    ...(scopes.length > 0 ? [`scopes ${scopes.join(' ')}`] : []),
    ...(permissions.length > 0 ? [`permissions ${permissions.join(' ')}`] : []),
    ...(organization === null ? [] : [`organization ${organization}`]),
    ...(amr.length > 0 ? [`amr ${amr.join(' ')}`] : []),
    ...(acr.length > 0 ? [`acr one of ${acr.join(' ')}`] : []),
    ...(maxAgeSeconds === null ? [] : [`signed in within ${maxAgeSeconds} s`]),
  ].join(', ')
}

/** What its claims are compared by, and no more of them. */
function describeCaller({ issuer, claims, clientId, scopes }: Caller): string {
  const { sub, aud, exp } = claims
  return [
    `of ${issuer.plan.issuer}`,
    ...(typeof sub === 'string' ? [`for ${sub}`] : []),
    ...(clientId === null ? [] : [`through ${clientId}`]),
    `audience ${[aud ?? 'none'].flat().join(' ')}`,
    `scopes ${scopes.join(' ') || 'none'}`,
    ...(typeof exp === 'number' ? [`until ${new Date(exp * 1000).toISOString()}`] : []),
  ].join(', ')
}

const withoutSpending = ({ spend: _, ...credential }: Credential): Credential => credential

const UNLIMITED = { judgeAddress: () => undefined, judgeIdentity: () => undefined }

function outcomeOf(decision: Decision): Pick<Explanation, 'outcome' | 'status' | 'code'> {
  if (decision.pass) return { outcome: 'passes', status: null, code: null }
  if ('refusal' in decision) return refusedBy(decision.refusal.code)
  return { outcome: 'answered', status: decision.answer.status, code: null }
}

const refusedBy = (code: RefusalCode): Pick<Explanation, 'outcome' | 'status' | 'code'> => ({
  outcome: 'refused',
  status: REASONS[code].status,
  code,
})
