/**
 * An application may want addresses confirmed before it is given anything. The gate refuses it everything else
 * (`tokens/assert-active.ts`); here the person is told what to do, and finds the way on once it is done.
 */
import { occasionOf } from '../audit/events.ts'
import { languageHere } from '../http/language.ts'
import type { Answer, Incoming } from '../http/route.ts'
import { askForVerification } from '../identity/email-verification.ts'
import type { UserRecord } from '../store/users.ts'
import type { Interaction } from './interaction.ts'
import type { LoginServices } from './services.ts'
import { show } from './show.ts'

/** The page, with another mail on its way if one may go there; undefined for whoever may go on. */
export async function confirmFirst(
  services: LoginServices,
  incoming: Incoming,
  interaction: Interaction,
  { id, email, emailVerified }: Pick<UserRecord, 'id' | 'email' | 'emailVerified'>,
): Promise<Answer | undefined> {
  if (!interaction.client.requiresVerifiedEmail || emailVerified || email === null) return undefined
  const { store, clock } = services
  const { client, uiLocales } = interaction.request
  const correspondence = { issuer: incoming.issuer, language: languageHere(incoming, uiLocales), client }
  await store.transaction(transaction =>
    askForVerification(transaction, { id, email }, correspondence, occasionOf(incoming, clock())),
  )
  const application = interaction.client.name
  return show(
    services,
    incoming,
    'notice',
    { notice: 'verification-required', email, application, goOnUrl: `/login/${interaction.id}` },
    interaction.setting,
  )
}
