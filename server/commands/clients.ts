/** `latchkey clients …`: what the operator types and reads. What is done is `operations/clients.ts`. */
import { type Answering, answer } from './answer.ts'
import { ask } from './ask.ts'

type OfTenant = Answering & { readonly tenant: string }

export async function revokeClient(client: string, given: OfTenant): Promise<void> {
  const { id } = await ask('clients revoke', { tenant: given.tenant, client })
  answer(given, { id }, () => [`All that ${id} was ever given has ended. If its secret is known, give it another one.`])
}

export async function removeClient(client: string, given: OfTenant): Promise<void> {
  const { id } = await ask('clients remove', { tenant: given.tenant, client })
  answer(given, { id }, () => [`${id} is removed, with all that it was ever given.`])
}
