/**
 * Where a mailed link leads: a page with a field for the new password. Opening it spends nothing, because mail scanners
 * open links too; sending its form does. Nobody is signed in by it: what comes next asks for the new password.
 */
import { occasionOf } from '../audit/events.ts'
import { languageHere } from '../http/language.ts'
import type { ResetPasswordProblem } from '../http/page-views.ts'
import { type Answer, type Incoming, type Route, seeOther } from '../http/route.ts'
import { bindBrowser } from '../identity/browsers.ts'
import { findNewPasswordProblem, ownTextsOf } from '../identity/choosable-password.ts'
import { databaseOptions } from '../identity/database-options.ts'
import { BusyError } from '../identity/hash-queue.ts'
import { resultUrlOf } from '../identity/onward.ts'
import { hashPassword } from '../identity/password-hash.ts'
import { type FoundReset, findReset, type OpenReset, resetPassword } from '../identity/password-reset.ts'
import { linkLife } from '../notify/link-life.ts'
import { RESET_LINK_LIFE } from '../policy/lifetimes.ts'
import { ACCOUNT_PATH } from './account-request.ts'
import { applicationAt } from './application-at.ts'
import { FORGOT_PASSWORD_PATH } from './forgot-password.ts'
import { type Interaction, interactionHere, refuseForeignForm, signInAt } from './interaction.ts'
import type { LoginServices } from './services.ts'
import { show } from './show.ts'

/** What an application is told in Auth0's parameters, which are in English. */
const CHANGED = 'You can now sign in with your new password.'

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
            linkLife: await linkLife(store, incoming.tenant, 'reset-password', RESET_LINK_LIFE),
          },
      { status: GONE },
    )

  async function page(
    incoming: Incoming,
    { user, connection, onward }: OpenReset,
    interaction: Interaction | undefined,
    own: readonly string[],
    problem?: ResetPasswordProblem,
  ): Promise<Answer> {
    const status = problem === undefined ? 200 : problem === 'busy' ? 503 : 400
    return show(
      services,
      incoming,
      'reset-password',
      {
        action: `/reset-password/${secretOf(incoming)}`,
        email: user.email ?? user.username ?? '',
        own,
        problem,
        policy: databaseOptions(connection?.options ?? {}).policy,
      },
      { ...interaction?.setting, ...(onward?.resultUrl && { formTargets: [onward.resultUrl] }), status },
    )
  }

  /** The link, the request that waits in this browser, and the names of the place. */
  async function find(incoming: Incoming) {
    const found = await findReset(store, incoming.tenant, secretOf(incoming), clock())
    if (found.state !== 'open') return { found, interaction: undefined, own: [] }
    const interaction = await interactionHere(services, incoming, found.interaction)
    const tenant = await tenants.find(incoming.tenant)
    // The page is told too, so that it judges as the server does: it opens for nobody else.
    const texts = ownTextsOf(found.user)
    return { found, interaction, own: [tenant.name, ...(interaction ? [interaction.client.name] : []), ...texts] }
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
    const { user, connection, passwordId, onward } = found
    let hash: string
    try {
      const chosen = { connection, user, passwordId, password, own, address: incoming.address }
      const problem = await findNewPasswordProblem(services, chosen)
      if (problem) return page(incoming, found, interaction, own, problem)
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
        remembers: databaseOptions(connection?.options ?? {}).remembers,
        issuer: incoming.issuer,
        language: languageHere(incoming, interaction?.request.uiLocales ?? null),
      },
      occasionOf(incoming, clock()),
      clock,
    )
    if (outcome !== 'done') return dead(incoming, outcome)
    const resultUrl = onward && resultUrlOf(onward, user.email, CHANGED)
    if (resultUrl) return seeOther(resultUrl, browser.cookies)
    const goOn = interaction
      ? { application: interaction.client.name, url: signInAt(interaction) }
      : ((await applicationAt(services, incoming.tenant, onward)) ?? {
          application: (await tenants.find(incoming.tenant)).name,
          url: ACCOUNT_PATH,
        })
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
