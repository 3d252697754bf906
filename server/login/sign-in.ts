/** Signing in: which page the way begins with, and the password. */
import { occasionOf } from '../audit/events.ts'
import { languageHere } from '../http/language.ts'
import type { SignInProblem } from '../http/page-views.ts'
import { type Answer, type Incoming, type Route, seeOther } from '../http/route.ts'
import { browserHashOf } from '../identity/browsers.ts'
import { databaseOptions } from '../identity/database-options.ts'
import { type NextStepHere, nextStepHere } from '../identity/next-step-here.ts'
import type { AuthorizationRequest } from '../policy/next-step.ts'
import { showAccounts } from './choose-account.ts'
import { confirmFirst } from './confirm-first.ts'
import { showConsent } from './consent.ts'
import { directoryOf, isInvitedAnew, maySignUp } from './directory.ts'
import { forgotPasswordAt } from './forgot-password.ts'
import { chooseAccountAt, continueAt, findInteraction, type Interaction } from './interaction.ts'
import { askForChoice, askForName } from './organization.ts'
import type { LoginServices } from './services.ts'
import { show } from './show.ts'
import { startSession } from './start-session.ts'

/** What the page says of people who may have a name besides their address. */
const OF_NAMES: Readonly<Record<SignInProblem, SignInProblem>> = {
  wrong_credentials: 'wrong_name',
  wrong_name: 'wrong_name',
  missing_email: 'missing_name',
  missing_name: 'missing_name',
  missing_password: 'missing_password',
  blocked: 'blocked',
  busy: 'busy',
  held: 'held',
}

export function signInRoutes(services: LoginServices): readonly Route[] {
  const { clock, signInWithPassword } = services

  const here = (incoming: Incoming, { request, client }: Interaction): Promise<NextStepHere> =>
    nextStepHere(services, incoming, request, client, clock())

  const page = async (
    incoming: Incoming,
    interaction: Interaction,
    { next, eligible }: NextStepHere,
    email: string,
    problem?: SignInProblem,
    status = 200,
    wait?: number,
  ): Promise<Answer> => {
    const { username, isResetOpen } = databaseOptions((await directoryOf(services, interaction)).options)
    return show(
      services,
      incoming,
      'sign-in',
      {
        action: `/login/${interaction.id}`,
        application: interaction.client.name,
        email,
        takesUsername: username !== null,
        problem: username && problem ? OF_NAMES[problem] : problem,
        wait,
        signUpUrl: (await maySignUp(services, interaction)) ? `/login/${interaction.id}/sign-up` : undefined,
        // Only for whoever came here from an account that would have done.
        accountsUrl: next.step !== 'sign-in' && eligible.length > 0 ? chooseAccountAt(interaction) : undefined,
        forgotUrl: isResetOpen ? forgotPasswordAt(interaction) : undefined,
      },
      { ...interaction.setting, status, wait },
    )
  }

  /** The page that the policy says is next, or the one that was asked for; back to whoever sent them when none is. */
  async function begin(incoming: Incoming): Promise<Answer> {
    const interaction = await findInteraction(services, incoming)
    const { request } = interaction
    const wantsToSignIn = incoming.query.has('sign-in')
    const found = await here(incoming, interaction)
    const { next, current, eligible, organizations } = found
    const unconfirmed =
      next.step === 'respond' && current && (await confirmFirst(services, incoming, interaction, current.user))
    if (unconfirmed) return unconfirmed
    if (interaction.isRefused || next.step === 'respond' || next.step === 'refuse')
      return seeOther(continueAt(interaction))
    if (next.step === 'name-organization') return askForName(services, incoming, interaction)
    if (next.step === 'choose-organization' && !wantsToSignIn)
      return askForChoice(services, incoming, interaction, organizations)
    if (next.step === 'choose-account' && !wantsToSignIn) return showAccounts(services, incoming, interaction, eligible)
    if (next.step === 'consent' && !wantsToSignIn && current)
      return showConsent(services, incoming, interaction, current, next.missing, eligible.length > 1)
    const isNew = request.screenHint === 'signup' || (await isInvitedAnew(services, interaction))
    if (isNew && !wantsToSignIn) return seeOther(`/login/${interaction.id}/sign-up`)
    if (request.screenHint === 'reset-password' && !wantsToSignIn) return seeOther(forgotPasswordAt(interaction))
    return page(incoming, interaction, found, knownAddress(request, found))
  }

  /** One answer and one cost for a wrong password and for an account that does not exist. */
  async function answer(incoming: Incoming): Promise<Answer> {
    const interaction = await findInteraction(services, incoming)
    const typed = incoming.body.get('username') ?? ''
    const password = incoming.body.get('password')
    const again = async (problem: SignInProblem, status: number, wait?: number) =>
      page(incoming, interaction, await here(incoming, interaction), typed, problem, status, wait)
    if (typed.trim() === '') return again('missing_email', 400)
    if (password === undefined) return again('missing_password', 400)

    const connection = await directoryOf(services, interaction)
    const now = clock()
    const outcome = await signInWithPassword({
      connection,
      name: typed,
      password,
      client: interaction.client.id,
      address: incoming.address,
      browserHash: browserHashOf(incoming),
      correspondence: { issuer: incoming.issuer, language: languageHere(incoming, interaction.request.uiLocales) },
      occasion: occasionOf(incoming, now),
    })
    if (outcome.state === 'busy') return again('busy', 503)
    if (outcome.state === 'held') return again('held', 429, outcome.freeAt - now)
    if (outcome.state === 'wrong') return again('wrong_credentials', 400)
    const { user, proof } = outcome
    if (user.blocked) return again('blocked', 403)
    const cookies = await startSession(services, incoming, interaction, user, connection.id, proof)
    return seeOther(continueAt(interaction), cookies)
  }

  return [
    { method: 'GET', path: '/login/:id', speaks: 'pages', answer: begin },
    { method: 'POST', path: '/login/:id', speaks: 'pages', answer },
  ]
}

/** Whose password is asked for: the one of the hint, or the one who has to prove anew who they are. */
function knownAddress(request: AuthorizationRequest, { next, current }: NextStepHere): string {
  if (next.step !== 'sign-in') return ''
  const isExpected = request.subject === null || request.subject === current?.user.id
  return request.invitation?.email ?? request.loginHint ?? (isExpected ? current?.user.email : null) ?? ''
}
