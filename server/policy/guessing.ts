/**
 * How much guessing a tenant allows: Auth0's attack protection, by its own names, as the rules that tries are counted
 * by. Which counters a try meets is `identity/brake.ts`'s, how tries add up `rate.ts`'s.
 */
import type { Rule } from '../kernel/counter.ts'
import { addressesIn } from '../kernel/ip-ranges.ts'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'
import { HOUR, MINUTE, SECOND } from '../kernel/seconds.ts'
import { doubling } from './rate.ts'

export interface GuessingLimits {
  /** Null where nothing is to be held up. */
  readonly account: {
    /** From one network. */
    readonly here: Rule
    /** From everywhere together. */
    readonly anywhere: Rule
    /** In a browser that the account was used in before. */
    readonly device: Rule
  } | null
  /** Whether the person is told by mail. */
  readonly tellsPerson: boolean
  readonly network: { readonly signIn: Rule; readonly signUp: Rule } | null
  /** Whether an address is not to be counted as the attacker of an account, or as a network. */
  readonly sparesForAccount: (address: string) => boolean
  readonly sparesForNetwork: (address: string) => boolean
}

/** Auth0's defaults. */
const ACCOUNT_ATTEMPTS = 10
const SIGN_IN = { max_attempts: 100, rate: 864 * SECOND }
const SIGN_UP = { max_attempts: 50, rate: 1200 }

/**
 * After the free tries a minute, then twice as long each time: a person who does not remember loses minutes, a program
 * gets 24 tries a day (NIST SP 800-63B §3.2.2 wants a bound, and names this way to keep it).
 */
const PAUSES = doubling(MINUTE, HOUR)

/**
 * One network alone never gets as far as to hold up everybody else: its pauses reach an hour, in which a try is
 * forgotten, after 7 more than are free.
 */
const ANYWHERE = 3

const perAccount = (free: number): Rule => ({ free, pauses: PAUSES, forgets: HOUR })
const perNetwork = ({ max_attempts: free, rate }: Stage): Rule => ({ free, pauses: [rate], forgets: rate })

interface Stage {
  readonly max_attempts: number
  /** Milliseconds for which there is one more. */
  readonly rate: number
}

/** From the `attackProtection` of a tenant's settings, as an operator wrote it and the tenant file checked it. */
export function readGuessingLimits(settings: JsonValue | undefined): GuessingLimits {
  const of = (name: string): JsonObject => memberOf(settings, name)
  const accounts = of('bruteForceProtection')
  const networks = of('suspiciousIpThrottling')
  const stages = memberOf(networks, 'stage')
  const free = numberIn(accounts, 'max_attempts', ACCOUNT_ATTEMPTS)
  const isPerPerson = accounts['mode'] === 'count_per_identifier'
  return {
    account: holdsUp(accounts)
      ? {
          here: perAccount(free),
          anywhere: perAccount(isPerPerson ? free : ANYWHERE * free),
          device: perAccount(free),
        }
      : null,
    tellsPerson: accounts['enabled'] !== false && hasShield(accounts, 'user_notification'),
    network: holdsUp(networks)
      ? {
          signIn: perNetwork(stageOf(stages, 'pre-login', SIGN_IN)),
          signUp: perNetwork(stageOf(stages, 'pre-user-registration', SIGN_UP)),
        }
      : null,
    sparesForAccount: listed(accounts['allowlist']),
    sparesForNetwork: listed(networks['allowlist']),
  }
}

function memberOf(document: JsonValue | undefined, name: string): JsonObject {
  const member = isObject(document ?? null) ? (document as JsonObject)[name] : undefined
  return member !== undefined && isObject(member) ? member : {}
}

function numberIn(document: JsonObject, name: string, fallback: number): number {
  const value = document[name]
  return typeof value === 'number' && value >= 1 ? value : fallback
}

const stageOf = (stages: JsonObject, name: string, fallback: Stage): Stage => {
  const stage = memberOf(stages, name)
  return {
    max_attempts: numberIn(stage, 'max_attempts', fallback.max_attempts),
    rate: numberIn(stage, 'rate', fallback.rate),
  }
}

/** Both unless the list says otherwise, as with Auth0. */
function hasShield(document: JsonObject, shield: string): boolean {
  const shields = document['shields']
  return !Array.isArray(shields) || shields.includes(shield)
}

const holdsUp = (document: JsonObject): boolean => document['enabled'] !== false && hasShield(document, 'block')

const listed = (list: JsonValue | undefined): ((address: string) => boolean) =>
  addressesIn(Array.isArray(list) ? list.filter(entry => typeof entry === 'string') : [])

/**
 * Wrong secrets of one client from one network. A service that was given the wrong one asks on and on, and is to work
 * again soon after somebody mends it; whoever guesses gets a try a minute.
 */
export const CLIENT_SECRET_RULE: Rule = { free: 20, pauses: doubling(SECOND, MINUTE), forgets: MINUTE }

/**
 * Requests that wait for somebody to sign in, each of them a row for an hour: more than a large office begins in the
 * morning, and no more than a disk can hold.
 */
export const WAITING_REQUEST_RULE: Rule = { free: 3000, pauses: [SECOND / 50], forgets: SECOND / 50 }

/**
 * Of assertions by which one client that is not the operator's own says who it is, on each node: a row remembers each,
 * so that it is good once, for as long as it could be used again. An hour, the longest, leaves some 4,600 of them.
 */
export const STRANGER_ASSERTION_RULE: Rule = { free: 1000, pauses: [SECOND], forgets: SECOND }
