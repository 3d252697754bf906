/**
 * The `emailProvider` of a tenant file. Credentials that it leaves out stay; those that an export has put a word in the
 * place of are for the operator to fill in, and until then nothing is done.
 */
import { isObject, type JsonObject, withoutNulls } from '../kernel/json.ts'
import { findProvider, providerToWire, putProvider, readProvider } from '../notify/email-provider.ts'
import type { StoredEmailProvider } from '../store/email-providers.ts'
import { mappingAt } from './document-entries.ts'
import type { Kept } from './kept.ts'
import { isPlaceholder } from './keywords.ts'

const SECTION = 'emailProvider'
/** How the events call it: a tenant has one. */
const NAME = 'provider'

export const emailProvider: Kept = {
  kind: 'email-provider',
  secrets: ['credentials'],

  async read(document, findings) {
    const given = mappingAt(document, SECTION, findings)
    if (!given) return []
    const { credentials } = given
    const words = isObject(credentials) ? Object.values(credentials) : [credentials]
    if (words.some(isPlaceholder)) {
      findings.warn(
        [SECTION],
        'emailProvider is left as it is: fill in its credentials, which an export does not have.',
      )
      return []
    }
    return [{ path: [SECTION], name: NAME, given: withoutNulls(given) }]
  },

  async find(nouns, tenant) {
    const provider = await findProvider(nouns, tenant)
    return provider && { ...provider.document, credentials: provider.readCredentials() }
  },

  async settle(nouns, tenant, { given }) {
    const { document, credentials } = readProvider(tenant, given, asNamed(await findProvider(nouns, tenant)))
    return { ...document, credentials }
  },

  async put(transaction, tenant, _name, after) {
    const { credentials, ...document } = after
    await putProvider(transaction, { tenant, document, credentials: credentials as JsonObject })
    return 'put'
  },

  async export(nouns, tenant) {
    const provider = await findProvider(nouns, tenant)
    return provider && providerToWire(provider)
  },
}

/** An entry is all there is to say: of what there is only the name counts, by which its credentials are known to be meant. */
const asNamed = (provider: StoredEmailProvider | undefined): StoredEmailProvider | undefined =>
  provider && { ...provider, document: { name: provider.document['name'] ?? null } }
