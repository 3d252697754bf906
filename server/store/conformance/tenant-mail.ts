/** What a tenant sends its mail through, and the domains that it asks for. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newSortableId } from '../../kernel/ids.ts'
import { SealError } from '../../kernel/sealer.ts'
import type { CustomDomainRecord } from '../custom-domains.ts'
import { inParallel, NOW, newTenant, type Stage, tally } from './stage.ts'

const domainOf = (tenant: string, more: Partial<CustomDomainRecord> = {}): CustomDomainRecord => ({
  tenant,
  id: newSortableId(),
  domain: `login.${tenant}.example`,
  proof: 'latchkey-domain-verification=one',
  document: { type: 'self_managed_certs' },
  isDefault: false,
  createdAt: NOW,
  verifiedAt: null,
  ...more,
})

export function describeTenantMail(stage: Stage): void {
  describe('e-mail providers', () => {
    const providerOf = (tenant: string, host = 'smtp.example.com') => ({
      tenant,
      document: { name: 'smtp', enabled: true },
      credentials: { smtp_host: host, smtp_pass: 'plain-to-see' },
    })

    test('a tenant has one at most, of eight that are made at once too, and it comes as it was written', async () => {
      const { emailProviders } = stage.store
      const [tenant, other] = [newTenant(), newTenant()]
      assert.equal(await emailProviders.find(tenant), undefined)
      assert.equal(await emailProviders.change(providerOf(tenant)), false)
      const outcomes = await inParallel(8, () => emailProviders.create(providerOf(tenant)))
      assert.deepEqual(tally(outcomes), { created: 1, taken: 7 })
      assert.equal(await emailProviders.create(providerOf(other, 'other.example.com')), 'created')
      assert.equal(await emailProviders.change({ ...providerOf(tenant, 'new.example.com'), document: {} }), true)
      const found = await stage.store.transaction(held => held.emailProviders.hold(tenant))
      assert.deepEqual(found?.document, {})
      assert.deepEqual(found?.readCredentials(), providerOf(tenant, 'new.example.com').credentials)
      assert.equal(await emailProviders.remove(tenant), true)
      assert.equal(await emailProviders.remove(tenant), false)
      assert.equal(await emailProviders.find(tenant), undefined)
      assert.deepEqual((await emailProviders.find(other))?.readCredentials()['smtp_host'], 'other.example.com')
    })

    test('its credentials do not open in another tenant’s row', async () => {
      const { emailProviders } = stage.store
      const [tenant, thief] = [newTenant(), newTenant()]
      await emailProviders.create(providerOf(tenant))
      await emailProviders.create(providerOf(thief))
      await stage.execute(
        `update email_providers set sealed_credentials = (select sealed_credentials from email_providers where tenant = '${tenant}') where tenant = '${thief}'`,
      )
      const stolen = await emailProviders.find(thief)
      assert.throws(() => stolen?.readCredentials(), SealError)
    })
  })

  describe('custom domains', () => {
    test('a tenant asks for a domain once, others may ask for it too, and each sees its own', async () => {
      const { customDomains } = stage.store
      const [tenant, other] = [newTenant(), newTenant()]
      const mine = domainOf(tenant)
      const theirs = domainOf(other, { domain: mine.domain, proof: 'another' })
      const outcomes = await inParallel(8, () => customDomains.create({ ...mine, id: newSortableId() }))
      assert.deepEqual(tally(outcomes), { created: 1, taken: 7 })
      assert.equal(await customDomains.create(theirs), 'created')
      assert.deepEqual(await customDomains.findByDomain(other, mine.domain), theirs)
      assert.deepEqual(await customDomains.list(other, 10), [theirs])
      assert.equal(await customDomains.find(tenant, theirs.id), undefined)
      assert.equal(await customDomains.remove(tenant, theirs.id), false)
      assert.equal(await customDomains.change(tenant, theirs.id, { verifiedAt: NOW }), false)
      assert.equal(await customDomains.remove(other, theirs.id), true)
      assert.equal(await customDomains.find(other, theirs.id), undefined)
    })

    test('one changes as far as the change says, and at most one is the default', async () => {
      const { customDomains } = stage.store
      const tenant = newTenant()
      const [first, second] = [domainOf(tenant), domainOf(tenant, { domain: 'b.example', createdAt: NOW + 1 })]
      for (const domain of [second, first]) await customDomains.create(domain)
      assert.equal(await customDomains.change(tenant, first.id, { document: { type: 'auth0_managed_certs' } }), true)
      assert.equal(await customDomains.change(tenant, first.id, { verifiedAt: NOW + 5 }), true)
      assert.equal(await customDomains.change(tenant, first.id, {}), true)
      const changed = { ...first, document: { type: 'auth0_managed_certs' }, verifiedAt: NOW + 5 }
      assert.deepEqual(await customDomains.list(tenant, 10), [changed, second])
      assert.deepEqual(await customDomains.list(tenant, 1), [changed])
      assert.equal(await customDomains.findDefault(tenant), undefined)
      await customDomains.makeDefault(tenant, first.id)
      await customDomains.makeDefault(tenant, second.id)
      assert.deepEqual(await customDomains.findDefault(tenant), { ...second, isDefault: true })
      await customDomains.makeDefault(tenant, null)
      assert.equal(await customDomains.findDefault(tenant), undefined)
    })
  })
}
