/**
 * A request that waits for a person: found by the id in the URL, by the browser that began it and by no other.
 * Each page of the way begins here.
 */
import type { Client } from '../clients/metadata.ts'
import type { Incoming } from '../http/route.ts'
import { refuseForeignPost } from '../http/same-origin.ts'
import { findHere } from '../identity/bound-tickets.ts'
import { PageError } from '../kernel/errors.ts'
import { type AuthorizationRequest, REFUSED, REQUEST_TICKET } from '../policy/next-step.ts'
import { ACCOUNT_PATH, ACCOUNT_TICKET, accountClient } from './account-request.ts'
import type { LoginServices } from './services.ts'
import type { Setting } from './show.ts'

export interface Interaction {
  readonly id: string
  /** Of its ticket. */
  readonly kind: string
  readonly version: number
  /** The person has said no: there is nothing left but to tell the application. */
  readonly isRefused: boolean
  readonly request: AuthorizationRequest
  readonly client: Client
  readonly setting: Setting
}

/** For a page without an interaction too. Throws `cross_site_post` and `malformed_request`. */
export function refuseForeignForm(incoming: Incoming): void {
  if (incoming.method === 'POST') refuseForeignPost(incoming)
  // No page of ours has two fields of one name, and whoever keeps the first and whoever keeps the last disagree.
  if (incoming.body.repeated.length > 0)
    throw new PageError('malformed_request', 'The form says one of its fields twice.')
}

/** Throws `start_again` for a ticket that is over, spent, or another browser's. */
export async function findInteraction(services: LoginServices, incoming: Incoming): Promise<Interaction> {
  refuseForeignForm(incoming)
  const { store, clients, tenants, clock } = services
  const ticket = await findHere<AuthorizationRequest>(store, incoming, [REQUEST_TICKET, ACCOUNT_TICKET], clock())
  const request = ticket.data
  const client =
    ticket.kind === ACCOUNT_TICKET
      ? accountClient(await tenants.find(incoming.tenant))
      : await clients.find(incoming.tenant, request.client)
  if (!client) throw new PageError('unknown_client', 'The application was removed meanwhile.')
  // The form posts here and the browser is sent on to the application: `form-action` counts every hop.
  const { organization: id } = request
  const organization = id === null ? undefined : await store.organizations.find(incoming.tenant, id)
  return {
    id: ticket.id,
    kind: ticket.kind,
    version: ticket.version,
    isRefused: ticket.state === REFUSED,
    request,
    client,
    setting: { client, organization, uiLocales: request.uiLocales, formTargets: [request.redirectUri] },
  }
}

/** The interaction of that id if this browser began it and it is not over; a link may be opened anywhere, at any time. */
export async function interactionHere(
  services: LoginServices,
  incoming: Incoming,
  id: string | null,
): Promise<Interaction | undefined> {
  if (id === null) return undefined
  try {
    return await findInteraction(services, { ...incoming, path: { id } })
  } catch (error) {
    if (error instanceof PageError) return undefined
    throw error
  }
}

/** Back to whoever asks the policy what comes next: `oauth/`, or the person's own page. */
export const continueAt = ({ kind, id }: Interaction): string =>
  kind === ACCOUNT_TICKET ? ACCOUNT_PATH : `/authorize/${id}`

/** The sign-in page, also where the policy would not send anybody: for another account. */
export const signInAt = ({ id }: Interaction): string => `/login/${id}?sign-in`

export const chooseAccountAt = ({ id }: Interaction): string => `/login/${id}/choose-account`
