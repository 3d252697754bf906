/**
 * The consent page: what an application asks of a person, in words. Nothing that is asked may go unsaid, and only the
 * issuer's own scopes have sentences of ours: an API's scope of the same name means what its operator says it means.
 */
import type { Catalogue } from '../words/catalogue.ts'
import { initialsOf } from '../words/initials.ts'
import { isolatedName, shownDescription } from '../words/names.ts'

/** Posts `decision`, which is `refuse` or `allow`, to `action`. */
export interface ConsentModel {
  readonly action: string
  readonly application: string
  readonly person: {
    readonly name: string
    readonly email: string | null
    readonly pictureUrl?: string | undefined
  }
  readonly asks: readonly Ask[]
}

export interface Ask {
  /** The API's name; null for the issuer itself. */
  readonly api: string | null
  /** The operator's descriptions are in the operator's language. */
  readonly scopes: readonly { readonly value: string; readonly description: string | null }[]
}

type Words = Catalogue['consent']

/** Our sentence with what belongs to it, or the operator's own, or else the scope as it is written. */
interface Line {
  readonly what: string | null
  readonly detail: string | null
  readonly code: string | null
}

export function consentView(words: Words, { action, application, person, asks }: ConsentModel) {
  const name = person.name.trim() || person.email || ''
  return {
    title: words.title,
    heading: words.heading(isolatedName(application)),
    lead: words.lead,
    action,
    person: {
      label: words.signedInAs,
      name: isolatedName(name),
      email: person.email === name ? null : person.email,
      initials: initialsOf(name),
      pictureUrl: person.pictureUrl ?? null,
    },
    groups: asks
      .filter(({ scopes }) => scopes.length > 0)
      .map(({ api, scopes }) =>
        api === null
          ? { api: null, lines: issuerLines(words.asks, scopes) }
          : { api: isolatedName(api), lines: scopes.map(operatorLine) },
      ),
    refuse: words.refuse,
    allow: words.allow,
  }
}

/** The scopes that say who somebody is are one line: a person reads them as one question. */
const IDENTITY = ['openid', 'profile', 'email']

const ON_THEIR_OWN = ['address', 'phone', 'offline_access'] as const

function issuerLines(asks: Words['asks'], scopes: Ask['scopes']): Line[] {
  const asked = new Set(scopes.map(({ value }) => value))
  const said = [
    ...identityLine(asks, asked),
    ...ON_THEIR_OWN.filter(scope => asked.has(scope)).map(scope => asks[scope]),
  ]
  const others = scopes.filter(({ value }) => ![...IDENTITY, ...ON_THEIR_OWN].includes(value))
  return [...said.map(({ what, detail }) => ({ what, detail, code: null })), ...others.map(operatorLine)]
}

/** `openid` adds nothing to see once a name or an address is seen, so it is said only when it stands alone. */
function identityLine(asks: Words['asks'], asked: ReadonlySet<string>) {
  if (asked.has('profile')) return [asked.has('email') ? asks.profile_email : asks.profile]
  if (asked.has('email')) return [asks.email]
  return asked.has('openid') ? [asks.account] : []
}

function operatorLine({ value, description }: Ask['scopes'][number]): Line {
  const said = shownDescription(description ?? '')
  return said ? { what: said, detail: null, code: null } : { what: null, detail: null, code: shownDescription(value) }
}
