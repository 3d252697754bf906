/**
 * The brake on guessing passwords. A try is counted before the password is looked at, and given back when it was right:
 * so a flood costs no hash, and of 64 tries at once no more are made than of 64 one after another. Whether an account
 * exists changes nothing in it.
 *
 * A stranger's try counts against the network it comes from, against the account from that network, and against the
 * account from anywhere. A browser that the account was used in before has a count of its own instead: nobody
 * else's guesses keep a person out of it, and whoever holds it gets no more tries than a stranger
 * (OWASP, "Slow Down Online Guessing Attacks with Device Cookies").
 */
import { type Occasion, signInHeld, signInReleased } from '../audit/events.ts'
import type { Instant } from '../kernel/clock.ts'
import type { Count, Counted, Counter } from '../kernel/counter.ts'
import { networkOf } from '../kernel/network-of.ts'
import { DAY } from '../kernel/seconds.ts'
import { sha256 } from '../kernel/secrets.ts'
import { promiseMail } from '../notify/letter.ts'
import { linkLife } from '../notify/link-life.ts'
import type { GuessingLimits } from '../policy/guessing.ts'
import { DEVICE_LIFE, NEWS_LIFE } from '../policy/lifetimes.ts'
import type { Store, Transaction } from '../store/store.ts'
import type { UserRecord } from '../store/users.ts'
import { takeMail } from './mail-limits.ts'
import type { Correspondence } from './password-reset.ts'
import { issueRelease } from './release-links.ts'

/** Somebody types a name and a password. */
export interface Guess {
  /** The connection's id. */
  readonly connection: string
  /** As it was typed. */
  readonly name: string
  /**
   * The same without what makes no other account of it: an account and a name that nobody has are counted alike. Of
   * somebody with an address and a username each is counted by itself: counted together, the one would tell whose the
   * other is.
   */
  readonly key: string
  /** Whether tries at one account are held up in this connection. */
  readonly isGuarded: boolean
  /** Whose account that is, if anybody's. */
  readonly user: UserRecord | undefined
  /** The caller's, as an IP address. */
  readonly address: string
  /** SHA-256 of the browser's secret; null where there is no browser. */
  readonly browserHash: string | null
  readonly occasion: Occasion
  /** For the mail to the person. */
  readonly correspondence: Correspondence
}

export interface Begun {
  readonly state: 'begun'
  /** The password was the account's. */
  right(): Promise<void>
  wrong(): Promise<void>
  /** No password was looked at. */
  unmade(): Promise<void>
}

/** Whom a code was mailed to, whether there is such an account or not. */
export type CodeAccount = Pick<Guess, 'connection' | 'key' | 'user'>

/** Somebody types a code. `account`: null for one that was mailed to nobody. */
export interface CodeGuess extends Pick<Guess, 'address' | 'browserHash' | 'occasion'> {
  readonly account: CodeAccount | null
}

/** Nothing may be tried before `freeAt`. */
export interface Held {
  readonly state: 'held'
  readonly freeAt: Instant
}

export interface Brake {
  /** Counts a try, or says when the next may be made. Exactly one of what it answers is to be called. */
  begin(guess: Guess): Promise<Begun | Held>
  /**
   * Counts an account that somebody wants to make. `free`: it was made. `taken`: there was one, which is worth as much
   * to a stranger as a wrong password is.
   */
  beginSignUp(
    tenant: string,
    address: string,
    now: Instant,
  ): Promise<{ readonly state: 'begun'; free(): Promise<void> } | Held>
  /**
   * Counts a code that somebody types which was mailed: as a password against their network, and against the account that
   * it is for, since each code is spent after a few tries and the next is there for the asking.
   */
  beginCode(guess: CodeGuess): Promise<(Pick<Begun, 'state' | 'unmade'> & { right(): Promise<void> }) | Held>
}

/** Browsers of one account that are remembered. */
const MOST_DEVICES = 30
/** The person is told once in this time, however long it goes on. */
const WAVE = DAY
const WAVE_MARK = 'guessing-wave'
/** Of each key of an account under which somebody had to wait lately: counters are found by nothing but their key. */
export const HOLD_MARK = 'guessing-hold'

export function createBrake({
  store,
  counter,
  limitsOf,
}: {
  readonly store: Store
  readonly counter: Counter
  readonly limitsOf: (tenant: string) => Promise<GuessingLimits>
}): Brake {
  async function begin(guess: Guess): Promise<Begun | Held> {
    const { tenant, at } = guess.occasion
    const ofTenant = await limitsOf(tenant)
    const limits = guess.isGuarded ? ofTenant : { ...ofTenant, account: null }
    const isKnown = await isKnownDevice(store, guess)
    const keys = keysOf(guess, accountKey(guess), isKnown)
    const counting = await counter.count(tenant, countsFor(guess, limits, keys), at)
    if (counting.state === 'refused') return { state: 'held', freeAt: counting.freeAt }
    const { counts } = counting

    return {
      state: 'begun',

      async right() {
        const own = await letGo(tenant, counts, keys, at)
        if (guess.user && own.some(({ tries, rule }) => tries > rule.free))
          await store.events.record([signInReleased(guess.occasion, guess.user.id)])
      },

      async wrong() {
        const held = counts.filter(({ freeAt }) => freeAt > at)
        if (held.length > 0) await tellOf(store, guess, limits, keys, held)
      },

      unmade: () => counter.giveBack(tenant, counts, at),
    }
  }

  /** What the right word proves is that this one, here, was no guess: no more is forgotten than that. */
  async function letGo(tenant: string, counts: readonly Counted[], keys: Keys, at: Instant) {
    const own = counts.filter(({ key }) => key === keys.device || key === keys.here)
    await counter.forget(
      tenant,
      own.map(({ key }) => key),
    )
    await counter.giveBack(
      tenant,
      counts.filter(counted => !own.includes(counted)),
      at,
    )
    return own
  }

  return {
    begin,
    async beginCode(guess) {
      const { account } = guess
      const { tenant, at } = guess.occasion
      const limits = await limitsOf(tenant)
      const isKnown = account !== null && (await isKnownDevice(store, { ...guess, user: account.user }))
      // Of nobody, what comes from the network counts.
      const keys = keysOf(guess, account ? codeKey(account) : null, isKnown)
      const counting = await counter.count(tenant, countsFor(guess, limits, keys), at)
      if (counting.state === 'refused') return { state: 'held', freeAt: counting.freeAt }
      return {
        state: 'begun',
        right: () => letGo(tenant, counting.counts, keys, at).then(() => {}),
        unmade: () => counter.giveBack(tenant, counting.counts, at),
      }
    },
    async beginSignUp(tenant, address, now) {
      const { network, sparesForNetwork } = await limitsOf(tenant)
      if (network === null || sparesForNetwork(address)) return { state: 'begun', free: async () => {} }
      const keys = networkKeys(address)
      const signIns = { key: keys.signIn, rule: network.signIn }
      const signUps = { key: keys.signUp, rule: network.signUp }
      const counting = await counter.count(tenant, [signIns, signUps], now)
      if (counting.state === 'refused') return { state: 'held', freeAt: counting.freeAt }
      const [asGuess] = counting.counts
      return { state: 'begun', free: () => counter.giveBack(tenant, asGuess ? [asGuess] : [], now) }
    },
  }
}

interface Keys {
  /** Null, as `here`, for a code that was mailed to nobody. */
  readonly account: string | null
  readonly network: string
  readonly here: string | null
  /** Null for a browser that the account was never used in. */
  readonly device: string | null
}

/** Hashed, because a name can be as long as a form, and because counters are kept where profiles need not be. */
function keysOf(guess: Pick<Guess, 'address' | 'browserHash'>, account: string | null, isKnown: boolean): Keys {
  return {
    account,
    network: networkKeys(guess.address).signIn,
    here: account && `${account}.${networkOf(guess.address)}`,
    device: isKnown ? `device.${account}.${guess.browserHash}` : null,
  }
}

export const accountKey = ({ connection, key }: Pick<Guess, 'connection' | 'key'>): string =>
  `account.${sha256(`${connection} ${key}`)}`

/** Apart from the account's passwords: who spoils the one must not keep the person from the other. */
export const codeKey = (account: Pick<Guess, 'connection' | 'key'>): string => `code.${accountKey(account)}`

export const networkKeys = (address: string) => ({
  signIn: `network.${networkOf(address)}`,
  signUp: `sign-up.${networkOf(address)}`,
})

function countsFor({ address }: Pick<Guess, 'address'>, limits: GuessingLimits, keys: Keys): Count[] {
  const { account, network } = limits
  if (keys.device !== null) return account ? [{ key: keys.device, rule: account.device }] : []
  return [
    ...(network && !limits.sparesForNetwork(address) ? [{ key: keys.network, rule: network.signIn }] : []),
    ...(account && keys.here !== null && keys.account !== null && !limits.sparesForAccount(address)
      ? [
          { key: keys.here, rule: account.here },
          { key: keys.account, rule: account.anywhere },
        ]
      : []),
  ]
}

/** Asked for nobody too. */
const isKnownDevice = async (
  store: Store,
  { user, browserHash, occasion }: Pick<Guess, 'user' | 'browserHash' | 'occasion'>,
): Promise<boolean> =>
  browserHash !== null &&
  (await store.devices.isKnown({ tenant: occasion.tenant, user: user?.id ?? '', browserHash }, occasion.at))

/** From now on nobody else's guesses keep the person out of this browser: to be called when they have proven themselves in it. */
export const rememberDevice = (
  transaction: Transaction,
  user: Pick<UserRecord, 'tenant' | 'id'>,
  browserHash: string,
  now: Instant,
): Promise<void> =>
  transaction.devices.remember(
    { tenant: user.tenant, user: user.id, browserHash },
    now,
    now + DEVICE_LIFE,
    MOST_DEVICES,
  )

/**
 * Once in a wave, to whoever reads events and to the person. For an account that does not exist each statement has its
 * twin, and the letter is to nobody.
 */
async function tellOf(
  store: Store,
  { user, name, connection, key, occasion, correspondence }: Guess,
  { tellsPerson }: GuessingLimits,
  keys: Keys,
  held: readonly Counted[],
): Promise<void> {
  const { tenant, at } = occasion
  await store.transaction(async transaction => {
    for (const { key: counted, freeAt } of held) {
      const isNetwork = counted === keys.network
      if (!isNetwork)
        await transaction.tickets.mark(
          tenant,
          HOLD_MARK,
          `${accountKey({ connection, key })} ${counted}`,
          at,
          at + WAVE,
        )
      const mark = isNetwork ? keys.network : accountKey({ connection, key })
      if ((await transaction.tickets.mark(tenant, WAVE_MARK, mark, at, at + WAVE)) === 'seen') continue
      await transaction.events.record([
        signInHeld(occasion, isNetwork ? 'network' : 'account', isNetwork ? null : (user?.id ?? null), name, freeAt),
      ])
      if (isNetwork || !tellsPerson) continue
      if (!(await takeMail(transaction, tenant, 'guessing', user?.email ?? name, occasion))) continue
      const life = await linkLife(transaction, tenant, 'guessing', NEWS_LIFE)
      const secret = await issueRelease(transaction, { tenant, user: user?.id ?? null, life, connection, key }, at)
      const letter = {
        message: 'guessing',
        to: user?.email ?? null,
        user: user?.id ?? null,
        ...correspondence,
        link: `${correspondence.issuer}sign-in-again/${secret}`,
        linkLife: life,
        userAgent: occasion.userAgent,
        address: occasion.address,
      } as const
      await promiseMail(transaction, tenant, letter, { now: at, giveUpAt: at + NEWS_LIFE })
    }
  })
}
