/** The application that a link of an operator's leads on to, and where its sign-in begins (OpenID Connect Core §4). */
import type { Onward } from '../identity/onward.ts'
import type { LoginServices } from './services.ts'

/** Undefined where there is none, or it does not say where. */
export async function applicationAt(
  { clients, store }: LoginServices,
  tenant: string,
  onward: Onward | undefined,
): Promise<{ readonly application: string; readonly url: string } | undefined> {
  if (onward?.client == null) return undefined
  const client = await clients.find(tenant, onward.client)
  const url = (await store.clients.find(tenant, onward.client))?.metadata['initiate_login_uri']
  return client && typeof url === 'string' && url !== '' ? { application: client.name, url } : undefined
}
