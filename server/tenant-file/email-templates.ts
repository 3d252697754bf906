/** The `emailTemplates` of a tenant file: letters as the tenant words them, each tried out before anything is changed. */
import { type JsonValue, withoutNulls } from '../kernel/json.ts'
import { isTemplateName, readTemplate } from '../notify/email-templates.ts'
import { TEMPLATE_DOCUMENT } from '../notify/link-life.ts'
import { isAccepted } from './document-entries.ts'
import { entriesOf, refuseRepeats } from './entries.ts'
import type { Kept, KeptEntry } from './kept.ts'

/** There are fewer names. */
const MOST = 100

export const emailTemplates: Kept = {
  kind: 'email-template',

  async read(document, findings) {
    const entries: KeptEntry[] = []
    for (const { path, given } of entriesOf(document, ['emailTemplates'], findings)) {
      const { template: name } = given
      if (typeof name !== 'string') findings.fault([...path, 'template'], 'template is missing, or no text.')
      else if (!isTemplateName(name))
        findings.warn(
          [...path, 'template'],
          `There is no letter "${name.slice(0, 100)}" here; its template has no effect.`,
        )
      else if (await isAccepted(path, findings, () => readTemplate(withoutNulls(given))))
        entries.push({ path, name, given: withoutNulls(given) })
    }
    refuseRepeats(
      entries,
      ({ name }) => name,
      ({ name }) => `The template "${name}" is there twice.`,
      findings,
    )
    return entries
  },

  async find({ documents }, tenant, id) {
    return (await documents.find({ tenant, kind: TEMPLATE_DOCUMENT, id }))?.data
  },

  async put({ documents }, tenant, id, data, now) {
    await documents.put({ tenant, kind: TEMPLATE_DOCUMENT, id, data, sealed: null, createdAt: now, updatedAt: now })
    return 'put'
  },

  removal: {
    names: async ({ documents }, tenant) =>
      (await documents.list(tenant, TEMPLATE_DOCUMENT, { limit: MOST })).map(({ id }) => id),
    async remove({ documents }, tenant, id) {
      await documents.remove({ tenant, kind: TEMPLATE_DOCUMENT, id })
      return 'removed'
    },
  },

  async export({ documents }, tenant): Promise<JsonValue | undefined> {
    const all = await documents.list(tenant, TEMPLATE_DOCUMENT, { limit: MOST })
    return all.length > 0 ? all.map(({ data }) => data) : undefined
  },
}
