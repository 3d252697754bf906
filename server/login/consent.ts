/** Consent: what an application of somebody else's asks for, said plainly, and the person's answer. */
import { consentGiven, consentRefused, occasionOf } from '../audit/events.ts'
import { type Answer, type Incoming, type Route, seeOther } from '../http/route.ts'
import { type LiveSession, liveSessions } from '../identity/browsers.ts'
import { consentsOf } from '../identity/consents.ts'
import { PageError } from '../kernel/errors.ts'
import { nextStep, REFUSED, REQUEST_TICKET } from '../policy/next-step.ts'
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
    const [current] = await liveSessions(store, incoming, now)
    if (!current) return seeOther(continueAt(interaction))
    const occasion = occasionOf(incoming, now)
    const user = current.user.id

    if (incoming.body.get('decision') === 'refuse') {
      await store.transaction(async transaction => {
        await transaction.tickets.advance(incoming.tenant, REQUEST_TICKET, interaction.id, interaction.version, {
          state: REFUSED,
        })
        await transaction.events.record([consentRefused(occasion, client.id, user)])
      })
      return seeOther(continueAt(interaction))
    }
    if (incoming.body.get('decision') !== 'allow')
      throw new PageError('malformed_request', 'The form says neither allow nor refuse.')

    // What is missing is asked again of the policy, not taken from the form: only what was shown can be allowed.
    const consents = await consentsOf(store, incoming.tenant, user, client.id)
    const next = nextStep(request, { user, proofs: current.session.proofs }, client, consents, now)
    if (next.step === 'consent')
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
