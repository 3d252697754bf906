/**
 * Where a mailed link leads: a page with a field for the new password. Opening it spends nothing, because mail scanners
 * open links too; sending its form does. Nobody is signed in by it: what comes next asks for the new password.
 */
import { occasionOf } from '../audit/events.ts'
import { languageHere } from '../http/language.ts'
import type { ResetPasswordProblem } from '../http/page-views.ts'
import type { Answer, Incoming, Route } from '../http/route.ts'
import { bindBrowser } from '../identity/browsers.ts'
import { findPasswordProblem } from '../identity/choosable-password.ts'
import { BusyError } from '../identity/hash-queue.ts'
import { hashPassword } from '../identity/password-hash.ts'
import { type FoundReset, findReset, type OpenReset, resetPassword } from '../identity/password-reset.ts'
import { linkLife } from '../notify/link-life.ts'
import { RESET_LINK_LIFE } from '../policy/lifetimes.ts'
import { SHORTEST_PASSWORD } from '../policy/password-rule.js'
import { ACCOUNT_PATH } from './account-request.ts'
import { FORGOT_PASSWORD_PATH } from './forgot-password.ts'
import { type Interaction, interactionHere, refuseForeignForm, signInAt } from './interaction.ts'
import type { LoginServices } from './services.ts'
import { show } from './show.ts'

/** What a guesser tries of a profile. The page is told too, so that it judges as the server does: it opens for nobody else. */
const NAMES = ['name', 'given_name', 'family_name', 'nickname', 'preferred_username']

/** RFC 9110 §15.5.11: it was here, and will not be again. */
const GONE = 410

export function resetPasswordRoutes(services: LoginServices): readonly Route[] {
  const { store, clock, hashQueue, tenants, cookieScope } = services

  /** A link that opens nothing says why, and where a new one is to be had. */
  const dead = async (incoming: Incoming, state: Exclude<FoundReset, OpenReset>['state']): Promise<Answer> =>
    show(
      services,
      incoming,
      'notice',
      state === 'used'
        ? { notice: 'reset-used', askUrl: FORGOT_PASSWORD_PATH }
        : {
            notice: 'reset-over',
            askUrl: FORGOT_PASSWORD_PATH,
            linkLife: await linkLife(store, incoming.tenant, 'reset_email', RESET_LINK_LIFE),
          },
      { status: GONE },
    )

  async function page(
    incoming: Incoming,
    { user: { email } }: OpenReset,
    interaction: Interaction | undefined,
    own: readonly string[],
    problem?: ResetPasswordProblem,
  ): Promise<Answer> {
    const status = problem === undefined ? 200 : problem === 'busy' ? 503 : 400
    return show(
      services,
      incoming,
      'reset-password',
      { action: `/reset-password/${secretOf(incoming)}`, email, own, problem, minimumLength: SHORTEST_PASSWORD },
      { ...interaction?.setting, status },
    )
  }

  /** The link, the request that waits in this browser, and the names of the place. */
  async function find(incoming: Incoming) {
    const found = await findReset(store, incoming.tenant, secretOf(incoming), clock())
    if (found.state !== 'open') return { found, interaction: undefined, own: [] }
    const interaction = await interactionHere(services, incoming, found.interaction)
    const tenant = await tenants.find(incoming.tenant)
    const names = NAMES.map(name => found.user.profile[name]).filter(name => typeof name === 'string')
    return { found, interaction, own: [tenant.name, ...(interaction ? [interaction.client.name] : []), ...names] }
  }

  async function look(incoming: Incoming): Promise<Answer> {
    const { found, interaction, own } = await find(incoming)
    return found.state === 'open' ? page(incoming, found, interaction, own) : dead(incoming, found.state)
  }

  async function answer(incoming: Incoming): Promise<Answer> {
    refuseForeignForm(incoming)
    const { found, interaction, own } = await find(incoming)
    if (found.state !== 'open') return dead(incoming, found.state)
    const password = incoming.body.get('password') ?? ''
    const problem = await findPasswordProblem(password, [found.user.email, ...own])
    if (problem) return page(incoming, found, interaction, own, problem)

    let hash: string
    try {
      hash = await hashQueue.run(incoming.address, () => hashPassword(password))
    } catch (error) {
      if (error instanceof BusyError) return page(incoming, found, interaction, own, 'busy')
      throw error
    }
    const browser = bindBrowser(incoming, await cookieScope(incoming.tenant, incoming.issuer))
    const outcome = await resetPassword(
      store,
      {
        secret: secretOf(incoming),
        hash,
        browserHash: browser.hash,
        issuer: incoming.issuer,
        language: languageHere(incoming, interaction?.request.uiLocales ?? null),
      },
      occasionOf(incoming, clock()),
      clock,
    )
    if (outcome !== 'done') return dead(incoming, outcome)
    const goOn = interaction
      ? { application: interaction.client.name, url: signInAt(interaction) }
      : { application: (await tenants.find(incoming.tenant)).name, url: ACCOUNT_PATH }
    return show(
      services,
      incoming,
      'notice',
      { notice: 'password-changed', goOn },
      {
        ...interaction?.setting,
        cookies: browser.cookies,
      },
    )
  }

  return [
    { method: 'GET', path: '/reset-password/:secret', speaks: 'pages', answer: look },
    { method: 'POST', path: '/reset-password/:secret', speaks: 'pages', answer },
  ]
}

const secretOf = (incoming: Incoming): string => incoming.path['secret'] ?? ''
