/**
 * Ends what outlives the moment it was admitted in: sockets and long answers whose caller's token has since been
 * revoked, has expired, or cannot be judged any more. A revocation is acted on the moment it is taken in, the rest once a
 * second.
 */
import { MINUTE, SECOND } from '../kernel/seconds.ts'
import type { Deadlines, Timed } from './deadlines.ts'
import { type Caller, type Refusal, Refused } from './exchange.ts'
import { type EdgeIssuer, isSuccessor, type RevocationState } from './issuers.ts'
import { CLOCKS_APART, checkRevocations } from './judge.ts'
import type { RoutePlan } from './plan.ts'
import { isOutage } from './refuse.ts'

export interface Watched {
  /** Of another issuer's, once that has succeeded to the one it was admitted by. */
  caller: Caller
  readonly route: RoutePlan
  /** Whether it goes on for so long that it ends with the time of the token too: what will end anyway may. */
  isLasting: boolean
  /** When its issuer was asked about it last, and when it last said that it counts; both are the watch's to keep. */
  askedAt?: number
  saidSoundAt?: number
  end(refusal: Refusal): void
}

/** As often as a request with the same token would have its issuer asked. */
const ASKS_EVERY = MINUTE

export class Watch implements Timed {
  place = -1
  readonly #wallClock: () => number
  readonly #deadlines: Deadlines
  readonly #watched = new Set<Watched>()
  readonly #followed = new Map<RevocationState, { readonly watched: Set<Watched>; stop(): void }>()
  /** Null while those that it began with are. */
  #inForce: readonly EdgeIssuer[] | null = null
  #nextLook = 0

  constructor(deadlines: Deadlines, wallClock: () => number = Date.now) {
    this.#deadlines = deadlines
    this.#wallClock = wallClock
  }

  /** It may be ended before this returns: what was revoked since it was admitted is. */
  add(watched: Watched): void {
    const { revocations } = watched.caller.issuer
    if (this.#watched.size === 0) this.#deadlines.add(this)
    this.#watched.add(watched)
    if (revocations) this.#follow(revocations).add(watched)
    const now = this.#wallClock()
    watched.askedAt = now
    watched.saidSoundAt = now
    judge(watched, now)
    // It may have been admitted by rules that are not in force any more.
    this.#succeed(watched)
  }

  delete(watched: Watched): void {
    if (!this.#watched.delete(watched)) return
    if (this.#watched.size === 0) this.#deadlines.delete(this)
    this.#unfollow(watched)
  }

  /** These are believed from now on. Nobody listens to the others any more, so what was admitted by them does not go on by them. */
  believe(issuers: readonly EdgeIssuer[]): void {
    this.#inForce = issuers
    for (const watched of [...this.#watched]) this.#succeed(watched)
  }

  #succeed(watched: Watched): void {
    const { issuer } = watched.caller
    if (!this.#inForce || this.#inForce.includes(issuer) || !this.#watched.has(watched)) return
    const successor = this.#inForce.find(one => isSuccessor(one.plan, issuer.plan))
    if (!successor) {
      watched.end({ code: 'invalid_token', detail: 'its issuer is not believed any more' })
      return
    }
    this.#unfollow(watched)
    watched.caller = { ...watched.caller, issuer: successor, soundAt: -1 }
    if (successor.revocations) this.#follow(successor.revocations).add(watched)
    judge(watched, this.#wallClock())
  }

  #unfollow(watched: Watched): void {
    const { revocations } = watched.caller.issuer
    const followed = revocations && this.#followed.get(revocations)
    if (!followed) return
    followed.watched.delete(watched)
    if (followed.watched.size > 0) return
    followed.stop()
    this.#followed.delete(revocations)
  }

  look(now: number): void {
    if (now < this.#nextLook) return
    this.#nextLook = now + SECOND
    const wallNow = this.#wallClock()
    for (const watched of this.#watched) {
      judge(watched, wallNow)
      this.#askAgain(watched, wallNow)
    }
  }

  /** What a log cannot end, since its issuer keeps none or does not name the token in it, the issuer is asked about. */
  #askAgain(watched: Watched, now: number): void {
    const { caller, isLasting, askedAt = now, saidSoundAt = now, route } = watched
    if (!caller.askAgain || !isLasting || Math.abs(now - askedAt) < ASKS_EVERY) return
    watched.askedAt = now
    const isLate = route.onStale.do === 'deny' && now - saidSoundAt > ASKS_EVERY + route.onStale.after
    caller.askAgain(now).then(
      () => {
        watched.saidSoundAt = now
      },
      (error: unknown) => {
        const refusal: Refusal = error instanceof Refused ? error.refusal : { code: 'introspection_unavailable' }
        if (this.#watched.has(watched) && (isLate || !isOutage(refusal))) watched.end(refusal)
      },
    )
  }

  #follow(revocations: RevocationState): Set<Watched> {
    let followed = this.#followed.get(revocations)
    if (!followed) {
      const watched = new Set<Watched>()
      const stop = revocations.onChange(() => {
        for (const one of watched) if (revocations.isRevoked(one.caller.facts)) one.end({ code: 'token_revoked' })
      })
      followed = { watched, stop }
      this.#followed.set(revocations, followed)
    }
    return followed.watched
  }
}

/** As a request would be at this moment (`judge.ts`). */
function judge(watched: Watched, now: number): void {
  const { caller, route, isLasting } = watched
  const { exp } = caller.claims
  const revoked = checkRevocations(caller, route)
  if (revoked && (isLasting || revoked.code === 'token_revoked')) watched.end(revoked)
  else if (isLasting && typeof exp === 'number' && now >= (exp + CLOCKS_APART) * SECOND)
    watched.end({ code: 'token_expired' })
}
