/**
 * Which organization a sign-in is for, where the application leaves it to the person: named before they sign in, or
 * chosen among theirs afterwards. Either becomes part of the request, which then goes on as if it had said so.
 */
import { type Answer, type Incoming, type Route, seeOther } from '../http/route.ts'
import { nextStepHere } from '../identity/next-step-here.ts'
import { brandingOf, findOrganization } from '../identity/organizations.ts'
import type { AuthorizationRequest } from '../policy/next-step.ts'
import type { OrganizationRecord } from '../store/organizations.ts'
import { continueAt, findInteraction, type Interaction } from './interaction.ts'
import type { LoginServices } from './services.ts'
import { show } from './show.ts'

const organizationAt = ({ id }: Interaction): string => `/login/${id}/organization`

/** A form's text, at most so much of it comes back to the page. */
const LONGEST_SHOWN = 100

export const askForName = (
  services: LoginServices,
  incoming: Incoming,
  interaction: Interaction,
  name = '',
  problem?: 'unknown',
): Promise<Answer> =>
  show(
    services,
    incoming,
    'name-organization',
    {
      action: organizationAt(interaction),
      application: interaction.client.name,
      name: name.slice(0, LONGEST_SHOWN),
      mayBeNone: interaction.request.asksOrganization?.mayBeNone ?? false,
      problem,
    },
    { ...interaction.setting, status: problem ? 400 : 200 },
  )

const { compare } = new Intl.Collator(undefined, { numeric: true })
const byName = (one: OrganizationRecord, other: OrganizationRecord): number =>
  compare(one.displayName, other.displayName)

/** Whoever has one alone, and needs one, is not asked. */
export async function askForChoice(
  services: LoginServices,
  incoming: Incoming,
  interaction: Interaction,
  organizations: readonly OrganizationRecord[],
): Promise<Answer> {
  const [only, ...others] = organizations
  const mayBeNone = interaction.request.asksOrganization?.mayBeNone ?? false
  if (only && others.length === 0 && !mayBeNone) return settle(services, incoming, interaction, only.id)
  return show(
    services,
    incoming,
    'choose-organization',
    {
      action: organizationAt(interaction),
      application: interaction.client.name,
      organizations: organizations.toSorted(byName).map(one => ({
        id: one.id,
        name: one.displayName,
        logoUrl: brandingOf(one).logoUrl,
      })),
      mayBeNone,
    },
    interaction.setting,
  )
}

async function settle(
  { store }: LoginServices,
  incoming: Incoming,
  interaction: Interaction,
  organization: string | null,
): Promise<Answer> {
  const { id, kind, version, request } = interaction
  const data: AuthorizationRequest = { ...request, organization, asksOrganization: null }
  // Another tab may have settled it: then that holds.
  await store.tickets.advance(incoming.tenant, kind, id, version, { data })
  return seeOther(continueAt(interaction))
}

export function organizationRoutes(services: LoginServices): readonly Route[] {
  const { store, clock } = services

  async function look(incoming: Incoming): Promise<Answer> {
    return seeOther(`/login/${(await findInteraction(services, incoming)).id}`)
  }

  async function answer(incoming: Incoming): Promise<Answer> {
    const interaction = await findInteraction(services, incoming)
    const { request, client } = interaction
    const { next, organizations } = await nextStepHere(services, incoming, request, client, clock())
    if (next.step !== 'name-organization' && next.step !== 'choose-organization')
      return seeOther(continueAt(interaction))
    if (incoming.body.has('none') && request.asksOrganization?.mayBeNone)
      return settle(services, incoming, interaction, null)

    const said = incoming.body.get('organization')?.trim() ?? ''
    if (next.step === 'name-organization') {
      const found = await findOrganization(store, incoming.tenant, said, { byName: true })
      return found
        ? settle(services, incoming, interaction, found.id)
        : askForName(services, incoming, interaction, said, 'unknown')
    }
    return organizations.some(({ id }) => id === said)
      ? settle(services, incoming, interaction, said)
      : askForChoice(services, incoming, interaction, organizations)
  }

  return [
    { method: 'GET', path: '/login/:id/organization', speaks: 'pages', answer: look },
    { method: 'POST', path: '/login/:id/organization', speaks: 'pages', answer },
  ]
}
