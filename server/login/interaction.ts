/**
 * A request that waits for a person: found by the id in the URL, by the browser that began it and by no other.
 * Each page of the way begins here.
 */
import type { Client } from '../clients/metadata.ts'
import type { Incoming } from '../http/route.ts'
import { refuseForeignPost } from '../http/same-origin.ts'
import { findHere } from '../identity/bound-tickets.ts'
import { PageError } from '../kernel/errors.ts'
import { type AuthorizationRequest, REQUEST_TICKET } from '../policy/next-step.ts'
import type { LoginServices } from './services.ts'
import type { Setting } from './show.ts'

export interface Interaction {
  readonly id: string
  readonly version: number
  /** Whom the consent page was shown to, once it was. */
  readonly subject: string | null
  readonly request: AuthorizationRequest
  readonly client: Client
  readonly setting: Setting
}

/** Throws `start_again` for a ticket that is over, spent, or another browser's. */
export async function findInteraction(services: LoginServices, incoming: Incoming): Promise<Interaction> {
  if (incoming.method === 'POST') refuseForeignPost(incoming)
  // No page of ours has two fields of one name, and whoever keeps the first and whoever keeps the last disagree.
  if (incoming.body.repeated.length > 0)
    throw new PageError('malformed_request', 'The form says one of its fields twice.')
  const ticket = await findHere<AuthorizationRequest>(services.store, incoming, REQUEST_TICKET, services.clock())
  const request = ticket.data
  const client = await services.clients.find(incoming.tenant, request.client)
  if (!client) throw new PageError('unknown_client', 'The application was removed meanwhile.')
  // The form posts here and the browser is sent on to the application: `form-action` counts every hop.
  return {
    id: ticket.id,
    version: ticket.version,
    subject: ticket.subject,
    request,
    client,
    setting: { client, uiLocales: request.uiLocales, formTargets: [request.redirectUri] },
  }
}

/** Back to `oauth/`, which asks the policy what comes next. */
export const continueAt = (interaction: Interaction): string => `/authorize/${interaction.id}`
