/** What a tenant's template of a letter may print, by Auth0's names: of the person, the application and the tenant. */
import type { JsonObject } from '../kernel/json.ts'
import type { Nouns } from '../store/store.ts'
import type { Letter } from './letter.ts'
import { languageOf, type Sender } from './letter-view.ts'

/** Whom a letter is to and about. */
export type About = Pick<Letter, 'to' | 'user' | 'client'>

export async function personAndApplication(
  nouns: Pick<Nouns, 'users' | 'clients'>,
  tenant: string,
  { to, user: id, client: clientId }: About,
): Promise<JsonObject> {
  const [user, client] = await Promise.all([
    id === null ? undefined : nouns.users.find(tenant, id),
    clientId == null ? undefined : nouns.clients.find(tenant, clientId),
  ])
  return {
    email: to,
    user: {
      ...user?.profile,
      ...(user && { user_id: user.id, username: user.username, email_verified: user.emailVerified }),
      email: to,
      user_metadata: user?.userMetadata ?? {},
      app_metadata: user?.appMetadata ?? {},
    },
    application: {
      name: client?.metadata['name'] ?? null,
      clientID: client?.id ?? null,
      client_id: client?.id ?? null,
      callback_domain: originOfFirst(client?.metadata['callbacks']),
    },
    tenant,
  }
}

export async function variablesOf(
  nouns: Pick<Nouns, 'users' | 'clients'>,
  tenant: string,
  letter: Letter,
  sender: Sender,
): Promise<JsonObject> {
  const { user, application, ...both } = await personAndApplication(nouns, tenant, letter)
  const { host } = new URL(letter.issuer)
  return {
    ...both,
    url: letter.link,
    link: letter.link,
    code: letter.code ?? null,
    // Which of the two a letter to sign in by brings, as the templates of Auth0's connections ask.
    send: letter.code === undefined ? 'link' : 'code',
    user: { ...(user as JsonObject), source_ip: letter.address ?? null },
    application: { ...(application as JsonObject), name: (application as JsonObject)['name'] ?? sender.name },
    organization: letter.invitation
      ? { name: letter.invitation.organization, display_name: letter.invitation.organization }
      : null,
    inviter: letter.invitation ? { name: letter.invitation.inviter } : null,
    friendly_name: sender.name,
    support_email: sender.supportEmail ?? null,
    support_url: sender.supportUrl ?? null,
    picture_url: sender.logoUrl ?? null,
    request_language: languageOf(letter, sender),
    custom_domain: { domain: host },
    domain: host,
  }
}

function originOfFirst(urls: unknown): string | null {
  const [first] = Array.isArray(urls) ? (urls as readonly unknown[]) : []
  return typeof first === 'string' ? (URL.parse(first)?.origin ?? null) : null
}
