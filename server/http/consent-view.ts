/**
 * The consent page: what an application asks of a person, in words. Nothing that is asked may go unsaid, and only the
 * issuer's own scopes have sentences of ours: an API's scope of the same name means what its operator says it means.
 */
import type { Catalogue } from '../words/catalogue.ts'
import { isolatedName, shownDescription } from '../words/names.ts'
import { type Person, personView } from './person-view.ts'

/** Posts `decision`, which is `refuse` or `allow`, and `shown` to `action`. */
export interface ConsentModel {
  readonly action: string
  /** Stands for what the page shows, and to whom. */
  readonly shown: string
  readonly application: string
  readonly person: Person
  readonly asks: readonly Ask[]
  /** Where somebody else goes. */
  readonly anotherAccountUrl: string
}

export interface Ask {
  /** The API's name; null for the issuer itself. */
  readonly api: string | null
  /** The operator's descriptions are in the operator's language. */
  readonly scopes: readonly { readonly value: string; readonly description: string | null }[]
}

type Words = Catalogue['consent']

/** Our sentence with what belongs to it, or the operator's own, or else the scope as it is written. */
export interface Line {
  readonly what: string | null
  readonly detail: string | null
  readonly code: string | null
}

export function consentView(
  words: Words,
  { action, shown, application, person, asks, anotherAccountUrl }: ConsentModel,
) {
  return {
    title: words.title,
    heading: words.heading(isolatedName(application)),
    lead: words.lead,
    action,
    shown,
    person: personView(person),
    signedInAs: words.signedInAs,
    groups: scopeGroups(words.asks, asks),
    refuse: words.refuse,
    allow: words.allow,
    notYou: { text: words.notYou, link: words.anotherAccount, url: anotherAccountUrl },
  }
}

/** What is asked for in words, one group for each API. */
export const scopeGroups = (words: Words['asks'], asks: readonly Ask[]) =>
  asks.map(({ api, scopes }) =>
    api === null
      ? { api: null, lines: issuerLines(words, scopes) }
      : { api: isolatedName(api), lines: apiLines(words, scopes) },
  )

/** An API's token says who the person is, also where it allows nothing by name. */
const apiLines = ({ api }: Words['asks'], scopes: Ask['scopes']): Line[] =>
  scopes.length > 0 ? scopes.map(operatorLine) : [{ what: api.what, detail: api.detail, code: null }]

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
  return asked.has('openid') || asked.size === 0 ? [asks.account] : []
}

function operatorLine({ value, description }: Ask['scopes'][number]): Line {
  const said = shownDescription(description ?? '')
  return said ? { what: said, detail: null, code: null } : { what: null, detail: null, code: shownDescription(value) }
}
