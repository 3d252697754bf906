/** What a person allowed a client, in the form the policy asks for. */
import type { ConsentFacts } from '../policy/next-step.ts'
import type { Nouns } from '../store/store.ts'

export async function consentsOf(store: Nouns, tenant: string, user: string, client: string): Promise<ConsentFacts> {
  const consents = await store.consents.of(tenant, user, client)
  return Object.fromEntries(consents.map(({ audience, scopes, givenAt }) => [audience, { scopes, givenAt }]))
}
