/** Consent: what an application of somebody else's asks for, said plainly, and the person's answer. */
import { consentGiven, consentRefused, occasionOf } from '../audit/events.ts'
import { type Answer, type Incoming, type Route, seeOther } from '../http/route.ts'
import type { LiveSession } from '../identity/browsers.ts'
import { nextStepHere } from '../identity/next-step-here.ts'
import { PageError } from '../kernel/errors.ts'
import { sha256 } from '../kernel/secrets.ts'
import { REFUSED, REQUEST_TICKET } from '../policy/next-step.ts'
import { chooseAccountAt, continueAt, findInteraction, type Interaction, signInAt } from './interaction.ts'
import type { LoginServices } from './services.ts'
import { show } from './show.ts'
import { shownAsks } from './shown-asks.ts'
import { shownPerson } from './shown-person.ts'

type Missing = Readonly<Record<string, readonly string[]>>

/** `hasOthers`: whether the request could be for another account of this browser. */
export async function showConsent(
  services: LoginServices,
  incoming: Incoming,
  interaction: Interaction,
  current: LiveSession,
  missing: Missing,
  hasOthers: boolean,
): Promise<Answer> {
  return show(
    services,
    incoming,
    'consent',
    {
      action: `/login/${interaction.id}/consent`,
      shown: digestOf(current, missing),
      application: interaction.client.name,
      person: shownPerson(current.user),
      asks: await shownAsks(services, incoming, missing),
      anotherAccountUrl: hasOthers ? chooseAccountAt(interaction) : signInAt(interaction),
    },
    interaction.setting,
  )
}

/** Of what a consent page shows, and to whom: its form brings it back, and allows nothing else and nobody else's. */
const digestOf = ({ session }: LiveSession, missing: Missing): string =>
  sha256(JSON.stringify([session.id, Object.entries(missing)]))

export function consentRoutes(services: LoginServices): readonly Route[] {
  const { store, clock } = services

  async function answer(incoming: Incoming): Promise<Answer> {
    const interaction = await findInteraction(services, incoming)
    const { request, client } = interaction
    const now = clock()
    const { next, current } = await nextStepHere(services, incoming, request, client, now)
    if (interaction.isRefused || next.step !== 'consent' || !current) return seeOther(continueAt(interaction))
    const occasion = occasionOf(incoming, now)
    const user = current.user.id

    if (incoming.body.get('decision') === 'refuse') {
      await store.transaction(async transaction => {
        const { id, version } = interaction
        if (await transaction.tickets.advance(incoming.tenant, REQUEST_TICKET, id, version, { state: REFUSED }))
          await transaction.events.record([consentRefused(occasion, client.id, user)])
      })
      return seeOther(continueAt(interaction))
    }
    if (incoming.body.get('decision') !== 'allow')
      throw new PageError('malformed_request', 'The form says neither allow nor refuse.')

    // Another account, or a consent taken back meanwhile: what is asked now was not shown, so it is shown first.
    if (incoming.body.get('shown') !== digestOf(current, next.missing)) return seeOther(continueAt(interaction))
    await store.transaction(async transaction => {
      for (const [audience, scopes] of Object.entries(next.missing))
        await transaction.consents.give({
          tenant: incoming.tenant,
          user,
          client: client.id,
          audience,
          organization: request.organization,
          scopes,
          givenAt: now,
        })
      await transaction.events.record([consentGiven(occasion, client.id, user, next.missing)])
    })
    return seeOther(continueAt(interaction))
  }

  return [{ method: 'POST', path: '/login/:id/consent', speaks: 'pages', answer }]
}
