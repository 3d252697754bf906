/**
 * What the operator's own claims say of somebody, found out anew for each token. A path is followed in memory and keeps
 * the type of what it leads to; a template yields text, within limits, and its engine is loaded by the first one. What
 * leads to nothing is left out, and so is what fails, which whoever asks is told: nobody is kept from signing in by a claim.
 */
import type { Liquid, Template } from 'liquidjs'
import type { CustomClaim, TokenKind } from '../clients/custom-claims.ts'
import type { Problem } from '../config/members.ts'
import type { JsonObject, JsonValue } from '../kernel/json.ts'
import type { Active } from './assert-active.ts'
import type { LeftOutReason } from './left-out-claims.ts'

/** In characters of JSON: a token travels in a header. */
const LONGEST_VALUE = 2000
/** In characters; in what the engine counts as memory; in milliseconds. */
const LIMITS = { parseLimit: 1000, memoryLimit: 100_000, renderLimit: 50 }
/** Templates kept parsed: more than operators write, and bounded all the same. */
const MOST_TEMPLATES = 1000
/** Tags that read files or speak of other templates; there are none. */
const NO_TAGS = ['include', 'render', 'layout', 'block', 'raw', 'tablerow']
const NO_FILTERS = ['raw']

const NONE: JsonObject = {}

/**
 * Of the claims that are for this kind of token. Of two of one name the later counts. `leftOut` is told of those that
 * should have said something and could not.
 */
export async function customClaims(
  claims: readonly CustomClaim[],
  kind: TokenKind,
  active: Active,
  leftOut: (claim: CustomClaim, reason: LeftOutReason) => void = () => {},
): Promise<JsonObject> {
  const wanted = claims.filter(claim => claim.in.includes(kind))
  if (wanted.length === 0) return NONE
  const facts = factsOf(active)
  const said: [string, JsonValue][] = []
  for (const claim of wanted) {
    const { name, from } = claim
    const value = from.is === 'path' ? follow(facts, from.steps) : await render(from.text, facts)
    if (value instanceof Failure) leftOut(claim, value.reason)
    else if (value !== undefined && JSON.stringify(value).length > LONGEST_VALUE) leftOut(claim, 'too_long')
    else if (value !== undefined) said.push([name, value])
  }
  return Object.fromEntries(said)
}

/** What is wrong with the templates of a map that is sound otherwise, each fault at its claim. */
export async function templateProblems(claims: readonly CustomClaim[]): Promise<Problem[]> {
  const problems: Problem[] = []
  for (const { name, from } of claims) {
    if (from.is === 'path') continue
    const reason = await templateFault(from.text)
    if (reason !== undefined)
      problems.push({ path: ['claims', name], message: `The template of the claim "${name}" will not do: ${reason}.` })
  }
  return problems
}

async function templateFault(text: string): Promise<string | undefined> {
  const liquid = await engine()
  try {
    liquid.parse(text)
    return undefined
  } catch (error) {
    // The place within the template, which is one line, and of no use beside the file's.
    return (error as Error).message.replace(/, line:\d+.*$/s, '')
  }
}

function factsOf({ user, client, organization }: Active): JsonObject {
  return {
    ...(user && {
      user: {
        ...user.profile,
        user_id: user.id,
        email: user.email,
        email_verified: user.emailVerified,
        created_at: new Date(user.createdAt).toISOString(),
        updated_at: new Date(user.updatedAt).toISOString(),
        app_metadata: user.appMetadata,
        user_metadata: user.userMetadata,
      },
    }),
    client: client.facts,
    ...(organization !== null && {
      organization: {
        id: organization.id,
        name: organization.name,
        display_name: organization.displayName,
        metadata: organization.settings['metadata'] ?? {},
      },
    }),
  }
}

/** Undefined where it leads to nothing: null, too, says nothing. Members are the document's own, never JavaScript's. */
function follow(facts: JsonObject, steps: readonly (string | number)[]): JsonValue | undefined {
  let value: JsonValue | undefined = facts
  for (const step of steps) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = (value as Record<string | number, JsonValue | undefined>)[step]
  }
  return value ?? undefined
}

class Failure {
  readonly reason: LeftOutReason

  constructor(reason: LeftOutReason) {
    this.reason = reason
  }
}

async function render(text: string, facts: JsonObject): Promise<string | Failure | undefined> {
  try {
    const liquid = await engine()
    const said: string = liquid.renderSync(parsed(liquid, text), facts).trim()
    return said === '' ? undefined : said
  } catch (error) {
    // The engine has no other name for it.
    return new Failure(/limit exceeded/.test(String(error)) ? 'over_limit' : 'failed')
  }
}

const templates = new Map<string, Template[]>()

function parsed(liquid: Liquid, text: string): Template[] {
  const known = templates.get(text) ?? liquid.parse(text)
  templates.delete(text)
  templates.set(text, known)
  if (templates.size > MOST_TEMPLATES) templates.delete(templates.keys().next().value as string)
  return known
}

let loading: Promise<Liquid> | undefined

/** Nothing is escaped, since nothing of it is markup, and nothing is read but what it is given. */
const engine = (): Promise<Liquid> => {
  loading ??= import('liquidjs').then(({ Liquid }) => {
    const liquid = new Liquid({ ...LIMITS, ownPropertyOnly: true, strictFilters: true, templates: {} })
    for (const tag of NO_TAGS) delete liquid.tags[tag]
    for (const filter of NO_FILTERS) delete liquid.filters[filter]
    return liquid
  })
  return loading
}
