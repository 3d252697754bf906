/** Signing in: which page the way begins with, and the password. */
import { occasionOf, signInFailed } from '../audit/events.ts'
import type { SignInProblem } from '../http/page-views.ts'
import { type Answer, type Incoming, type Route, seeOther } from '../http/route.ts'
import { BusyError } from '../identity/hash-queue.ts'
import { nextStepHere } from '../identity/next-step-here.ts'
import { databaseOf } from '../identity/users.ts'
import { emailKey, readEmailAddress } from '../policy/email-address.ts'
import { showConsent } from './consent.ts'
import { continueAt, findInteraction, type Interaction } from './interaction.ts'
import type { LoginServices } from './services.ts'
import { show } from './show.ts'
import { startSession } from './start-session.ts'

export function signInRoutes(services: LoginServices): readonly Route[] {
  const { store, clock } = services

  const page = (
    incoming: Incoming,
    interaction: Interaction,
    email: string,
    problem?: SignInProblem,
    status = 200,
  ): Promise<Answer> =>
    show(
      services,
      incoming,
      'sign-in',
      {
        action: `/login/${interaction.id}`,
        application: interaction.client.name,
        email,
        problem,
        signUpUrl: `/login/${interaction.id}/sign-up`,
      },
      { ...interaction.setting, status },
    )

  /** The page that the policy says is next; back to `oauth/` when none is. */
  async function begin(incoming: Incoming): Promise<Answer> {
    const interaction = await findInteraction(services, incoming)
    const { request, client } = interaction
    const { next, current } = await nextStepHere(store, incoming, request, client, clock())
    if (next.step === 'consent' && current) return showConsent(services, incoming, interaction, current, next.missing)
    if (next.step !== 'sign-in') return seeOther(continueAt(interaction))
    if (request.screenHint === 'signup' && !incoming.query.has('sign-in'))
      return seeOther(`/login/${interaction.id}/sign-up`)
    return page(incoming, interaction, request.loginHint ?? '')
  }

  /** One answer and one cost for a wrong password and for an account that does not exist. */
  async function answer(incoming: Incoming): Promise<Answer> {
    const interaction = await findInteraction(services, incoming)
    const typed = incoming.body.get('username') ?? ''
    const password = incoming.body.get('password')
    if (typed.trim() === '') return page(incoming, interaction, typed, 'missing_email', 400)
    if (password === undefined) return page(incoming, interaction, typed, 'missing_password', 400)

    const connection = await databaseOf(store, incoming.tenant)
    const address = readEmailAddress(typed)
    const user = address && (await store.users.findByEmailKey(incoming.tenant, connection.id, emailKey(address)))
    try {
      if (!(await services.password.verify(user || undefined, password, incoming.address)) || !user) {
        await store.events.record([
          signInFailed(
            occasionOf(incoming, clock()),
            interaction.client.id,
            user ? user.id : null,
            typed.slice(0, 254),
            connection.name,
          ),
        ])
        return page(incoming, interaction, typed, 'wrong_credentials', 400)
      }
    } catch (error) {
      if (error instanceof BusyError) return page(incoming, interaction, typed, 'busy', 503)
      throw error
    }
    if (user.blocked) return page(incoming, interaction, typed, 'blocked', 403)
    const cookies = await startSession(services, incoming, interaction, user, connection.id)
    return seeOther(continueAt(interaction), cookies)
  }

  return [
    { method: 'GET', path: '/login/:id', speaks: 'pages', answer: begin },
    { method: 'POST', path: '/login/:id', speaks: 'pages', answer },
  ]
}
