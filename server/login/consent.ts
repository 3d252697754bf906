/** Consent: what an application of somebody else's asks for, said plainly, and the person's answer. */
import { consentGiven, consentRefused, occasionOf } from '../audit/events.ts'
import { type Answer, type Incoming, type Route, seeOther } from '../http/route.ts'
import type { LiveSession } from '../identity/browsers.ts'
import { nextStepHere } from '../identity/next-step-here.ts'
import { PageError } from '../kernel/errors.ts'
import { REFUSED, REQUEST_TICKET } from '../policy/next-step.ts'
import { userinfoAudience } from '../tokens/access-token.ts'
import { continueAt, findInteraction, type Interaction } from './interaction.ts'
import type { LoginServices } from './services.ts'
import { show } from './show.ts'

type Missing = Readonly<Record<string, readonly string[]>>

export async function showConsent(
  services: LoginServices,
  incoming: Incoming,
  interaction: Interaction,
  current: LiveSession,
  missing: Missing,
): Promise<Answer> {
  const { user } = current
  await services.store.tickets.advance(incoming.tenant, REQUEST_TICKET, interaction.id, interaction.version, {
    subject: user.id,
  })
  const asks = await Promise.all(
    Object.entries(missing).map(async ([audience, scopes]) => {
      const api =
        audience === userinfoAudience(incoming.issuer)
          ? undefined
          : await services.resourceServers.find(incoming.tenant, audience)
      return {
        api: api?.name ?? null,
        scopes: scopes.map(value => ({ value, description: api?.descriptions[value] ?? null })),
      }
    }),
  )
  const name = user.profile['name']
  const picture = user.profile['picture']
  return show(
    services,
    incoming,
    'consent',
    {
      action: `/login/${interaction.id}/consent`,
      application: interaction.client.name,
      person: {
        name: typeof name === 'string' ? name : (user.email ?? user.id),
        email: user.email,
        ...(typeof picture === 'string' && { pictureUrl: picture }),
      },
      asks,
    },
    interaction.setting,
  )
}

export function consentRoutes(services: LoginServices): readonly Route[] {
  const { store, clock } = services

  async function answer(incoming: Incoming): Promise<Answer> {
    const interaction = await findInteraction(services, incoming)
    const { request, client } = interaction
    const now = clock()
    const { next, current } = await nextStepHere(store, incoming, request, client, now)
    // Nothing to ask any more, or another account has signed in since: whoever is there now sees a page of theirs.
    if (next.step !== 'consent' || current?.user.id !== interaction.subject) return seeOther(continueAt(interaction))
    const occasion = occasionOf(incoming, now)
    const user = current.user.id

    if (incoming.body.get('decision') === 'refuse') {
      await store.transaction(async transaction => {
        const refused = { state: REFUSED }
        await transaction.tickets.advance(incoming.tenant, REQUEST_TICKET, interaction.id, interaction.version, refused)
        await transaction.events.record([consentRefused(occasion, client.id, user)])
      })
      return seeOther(continueAt(interaction))
    }
    if (incoming.body.get('decision') !== 'allow')
      throw new PageError('malformed_request', 'The form says neither allow nor refuse.')

    // What is missing is the policy's to say, not the form's: only what was shown can be allowed.
    await store.transaction(async transaction => {
      for (const [audience, scopes] of Object.entries(next.missing))
        await transaction.consents.give({
          tenant: incoming.tenant,
          user,
          client: client.id,
          audience,
          organization: null,
          scopes,
          givenAt: now,
        })
      await transaction.events.record([consentGiven(occasion, client.id, user, next.missing)])
    })
    return seeOther(continueAt(interaction))
  }

  return [{ method: 'POST', path: '/login/:id/consent', speaks: 'pages', answer }]
}
