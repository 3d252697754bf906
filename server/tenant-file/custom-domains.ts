/** The `customDomains` of a tenant file. They are asked for; that they are the tenant's has to be shown in the DNS, by each tenant anew. */
import { withoutNulls } from '../kernel/json.ts'
import type { CustomDomainRecord } from '../store/custom-domains.ts'
import {
  askForDomain,
  domainToWire,
  listDomains,
  readDomain,
  readDomainChange,
  removeDomain,
} from '../tenants/custom-domains.ts'
import { isAccepted } from './document-entries.ts'
import { entriesOf, refuseRepeats, without } from './entries.ts'
import type { Kept, KeptEntry } from './kept.ts'

/** What an export tells of them that is not the operator's to say. */
const TOLD = [
  ...['custom_domain_id', 'primary', 'is_default', 'status', 'verification', 'origin_domain_name', 'certificate'],
  ...['cname_api_key', 'type_details'],
]

export const customDomains: Kept = {
  kind: 'custom-domain',

  async read(document, findings) {
    const entries: KeptEntry[] = []
    for (const { path, given } of entriesOf(document, ['customDomains'], findings)) {
      const wanted = withoutNulls(without(given, ...TOLD))
      if (await isAccepted(path, findings, () => readDomain(wanted)))
        entries.push({ path, name: readDomain(wanted).domain, given: wanted })
    }
    refuseRepeats(
      entries,
      ({ name }) => name,
      ({ name }) => `The domain "${name}" is there twice.`,
      findings,
    )
    return entries
  },

  async find({ customDomains: domains }, tenant, name) {
    const record = await domains.findByDomain(tenant, name)
    return record && shown(record)
  },

  settle: async (_nouns, _tenant, { name, given }) => ({ ...given, domain: name }),

  async put(transaction, tenant, name, after, now) {
    const record = await transaction.customDomains.findByDomain(tenant, name)
    if (!record) {
      const asked = await askForDomain(transaction, tenant, readDomain(after), now)
      return typeof asked === 'string' ? 'overtaken' : 'put'
    }
    const { domain: _domain, type: _type, ...change } = after
    const document = readDomainChange(without(change, 'verification_method'), record)
    await transaction.customDomains.change(tenant, record.id, { document })
    return 'put'
  },

  removal: {
    names: async (nouns, tenant) => (await listDomains(nouns, tenant)).map(({ domain }) => domain),
    async remove(transaction, tenant, name) {
      const record = await transaction.customDomains.findByDomain(tenant, name)
      return record && (await removeDomain(transaction, record)) ? 'removed' : 'gone'
    },
  },

  async export(nouns, tenant) {
    const all = await listDomains(nouns, tenant)
    return all.length > 0 ? all.map(shown) : undefined
  },
}

const shown = (record: CustomDomainRecord) => without(domainToWire(record), ...TOLD)
