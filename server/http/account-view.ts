/**
 * A person's own page: where they are signed in, and what applications may do in their name. What an application may
 * do is said in the words in which it was asked for.
 */
import type { Instant } from '../kernel/clock.ts'
import type { Catalogue } from '../words/catalogue.ts'
import type { Language } from '../words/languages.ts'
import { isolatedName } from '../words/names.ts'
import { timeAgo } from '../words/relative-time.ts'
import { type Ask, scopeGroups } from './consent-view.ts'
import { type Person, personView } from './person-view.ts'
import { deviceName } from './user-agent.ts'

/**
 * Every form posts `account`, the id of this page's own session, so that it acts for whoever the page was shown to:
 * to `/account/sign-out` with the `session` to end, to `/account/sign-out-others`, to `/account/sign-out-everywhere`,
 * to `/account/confirm` for a mail to the address, and to `/account/withdraw` with the `client` whose access ends.
 */
export interface AccountModel {
  readonly person: Person
  /** Whether the address is the person's has not been shown: a mail that asks can be sent to it. */
  readonly isUnconfirmed: boolean
  /** The id of the session that the page is shown in. */
  readonly acting: string
  readonly now: Instant
  /** In the order in which they are shown. */
  readonly sessions: readonly {
    readonly id: string
    readonly userAgent: string | null
    readonly startedAt: Instant
    readonly usedAt: Instant
  }[]
  readonly applications: readonly {
    readonly client: string
    readonly name: string
    readonly asks: readonly Ask[]
    /** When it last used what it was given for as long as the person is away; null when it was given nothing such. */
    readonly usedOfflineAt: Instant | null
  }[]
  readonly chooseUrl: string
}

/** Nobody looks through more; whoever has more ends all others. */
const MOST_SESSIONS = 20

export function accountView({ account, consent }: Catalogue, model: AccountModel, language: Language) {
  const { person, isUnconfirmed, acting, now, sessions, applications, chooseUrl } = model
  const when = (at: Instant, say: (ago: string) => string) => ({
    at: new Date(at).toISOString(),
    text: say(timeAgo(language, now - at)),
  })
  const shown = sessions.slice(0, MOST_SESSIONS)
  return {
    title: account.title,
    heading: account.title,
    person: personView(person),
    acting,
    confirmation: isUnconfirmed ? { text: account.unconfirmed, act: account.sendConfirmation } : null,
    sessions: {
      title: account.sessions,
      lines: shown.map(({ id, userAgent, startedAt, usedAt }) => ({
        id,
        device: deviceName(userAgent) ?? account.unknownDevice,
        here: id === acting ? account.thisBrowser : null,
        signedIn: when(startedAt, account.signedIn),
        lastUsed: when(usedAt, account.lastUsed),
      })),
      note: shown.length < sessions.length ? account.onlyRecent : null,
      signOut: account.signOut,
      others: sessions.length > 1 ? account.signOutOthers : null,
      everywhere: account.signOutEverywhere,
      hint: account.everywhereHint,
    },
    applications: {
      title: account.applications,
      none: account.noApplications,
      lines: applications.map(({ client, name, asks, usedOfflineAt }) => ({
        client,
        name: isolatedName(name),
        groups: scopeGroups(consent.asks, asks),
        stays: usedOfflineAt === null ? null : account.staysSignedIn,
        lastUsed: usedOfflineAt === null ? null : when(usedOfflineAt, account.lastUsed),
      })),
      remove: account.removeAccess,
    },
    another: { text: account.anotherAccount, url: chooseUrl },
  }
}
