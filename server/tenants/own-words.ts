/** The words of a tenant's own, as pages read them. Which there may be, and how they are changed, is `custom-text.ts`'s. */
import type { Nouns } from '../store/store.ts'
import type { PromptTexts } from '../words/custom-text.ts'

/** In `store/documents.ts`; on the bus, the topic of what changed in a language. */
export const TEXT_DOCUMENT = 'custom-text'
/** More than there are prompts. */
const MOST_PROMPTS = 100

/** Of all prompts, as pages read them. */
export async function textsIn({ documents }: Nouns, tenant: string, language: string): Promise<PromptTexts> {
  const kept = await documents.list(tenant, TEXT_DOCUMENT, { after: `${language}/`, limit: MOST_PROMPTS })
  const own = kept.filter(({ id }) => id.startsWith(`${language}/`))
  return Object.fromEntries(own.map(({ id, data }) => [id.slice(language.length + 1), data])) as PromptTexts
}
