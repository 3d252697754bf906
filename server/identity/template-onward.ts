/**
 * Where somebody goes when a mailed link has done its work, as the tenant's template of that letter says (`resultUrl`, with
 * the address unless `includeEmailInRedirect` is false). It is printed when the link is followed, so that a link leads where
 * the tenant wants it to now, and never to an origin that nobody has registered, whatever is printed into it.
 */
import { enabledTemplate } from '../notify/link-life.ts'
import type { About } from '../notify/template-variables.ts'
import type { Nouns } from '../store/store.ts'
import type { Onward } from './onward.ts'
import { isAllowedResult } from './result-urls.ts'

export async function onwardByTemplate(
  nouns: Nouns,
  tenant: string,
  message: 'reset-password' | 'verify-email',
  about: About,
): Promise<Onward | undefined> {
  const template = await enabledTemplate(nouns, tenant, message)
  const { resultUrl: source, includeEmailInRedirect: withEmail } = template ?? {}
  if (typeof source !== 'string' || source === '') return undefined
  const { renderTemplate, TemplateFault } = await import('../notify/operator-template.ts')
  const { personAndApplication } = await import('../notify/template-variables.ts')
  try {
    const resultUrl = (await renderTemplate(source, await personAndApplication(nouns, tenant, about), 'text')).trim()
    if (!(await isAllowedResult(nouns, tenant, resultUrl))) return undefined
    return { resultUrl, withEmail: withEmail !== false, client: null }
  } catch (error) {
    // As with the letter itself: what does not work is as good as not there.
    if (error instanceof TemplateFault) return undefined
    throw error
  }
}
