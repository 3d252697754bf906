/** Which of the accounts that are signed in in this browser is meant, when the application or the person wants to choose. */
import type { ChooseAccountProblem } from '../http/choose-account-view.ts'
import { type Answer, type Incoming, type Route, seeOther } from '../http/route.ts'
import { type LiveSession, sessionHash } from '../identity/browsers.ts'
import { nextStepHere } from '../identity/next-step-here.ts'
import { chooseAccountAt, continueAt, findInteraction, type Interaction, signInAt } from './interaction.ts'
import type { LoginServices } from './services.ts'
import { show } from './show.ts'
import { shownPerson } from './shown-person.ts'

export const showAccounts = (
  services: LoginServices,
  incoming: Incoming,
  interaction: Interaction,
  accounts: readonly LiveSession[],
  problem?: ChooseAccountProblem,
): Promise<Answer> =>
  show(
    services,
    incoming,
    'choose-account',
    {
      action: chooseAccountAt(interaction),
      application: interaction.client.name,
      accounts: accounts.map(({ session, user }) => ({ session: session.id, person: shownPerson(user) })),
      anotherUrl: signInAt(interaction),
      problem,
    },
    { ...interaction.setting, status: problem ? 400 : 200 },
  )

export function chooseAccountRoutes(services: LoginServices): readonly Route[] {
  const { store, clock } = services

  async function find(incoming: Incoming) {
    const interaction = await findInteraction(services, incoming)
    const { request, client } = interaction
    const { eligible } = await nextStepHere(services, incoming, request, client, clock())
    return { interaction, eligible }
  }

  async function ask(incoming: Incoming): Promise<Answer> {
    const { interaction, eligible } = await find(incoming)
    return eligible.length > 0
      ? showAccounts(services, incoming, interaction, eligible)
      : seeOther(signInAt(interaction))
  }

  async function answer(incoming: Incoming): Promise<Answer> {
    const { interaction, eligible } = await find(incoming)
    const wanted = incoming.body.get('session')
    if (eligible.some(({ session }) => session.id === wanted) && (await choose(incoming, interaction, wanted ?? '')))
      return seeOther(continueAt(interaction))
    const left = eligible.filter(({ session }) => session.id !== wanted)
    return left.length > 0
      ? showAccounts(services, incoming, interaction, left, 'gone')
      : seeOther(signInAt(interaction))
  }

  /** For this request, and as the one that this browser means from now on. */
  const choose = (incoming: Incoming, interaction: Interaction, session: string): Promise<boolean> =>
    store.transaction(async transaction => {
      const hash = sessionHash(incoming)
      if (hash === null || !(await transaction.sessions.choose(incoming.tenant, hash, session, clock()))) return false
      const { id, kind, version, request } = interaction
      await transaction.tickets.advance(incoming.tenant, kind, id, version, {
        data: { ...request, chosenSession: session },
      })
      return true
    })

  return [
    { method: 'GET', path: '/login/:id/choose-account', speaks: 'pages', answer: ask },
    { method: 'POST', path: '/login/:id/choose-account', speaks: 'pages', answer },
  ]
}
