/**
 * What a tenant's mail is sent through, one at most. Its credentials are sealed, bound to the tenant; the rest is a
 * document. Which providers there are and what their members mean is `notify/`'s to say.
 */
import type { JsonObject } from '../kernel/json.ts'
import type { SealContext, Sealer } from '../kernel/sealer.ts'
import { toObject, toText } from './columns.ts'
import { lockingIn } from './dialect.ts'
import type { Database, EmailProvidersTable } from './schema.ts'

export interface EmailProviderRecord {
  readonly tenant: string
  /** Without a secret. */
  readonly document: JsonObject
  readonly credentials: JsonObject
}

export interface StoredEmailProvider extends Pick<EmailProviderRecord, 'tenant' | 'document'> {
  /** Throws `SealError` for credentials that were changed, or sealed under a master key that is not listed. */
  readCredentials(): JsonObject
}

export interface EmailProviders {
  /** `taken` when the tenant has one; inside a transaction that leaves it usable. */
  create(provider: EmailProviderRecord): Promise<'created' | 'taken'>
  find(tenant: string): Promise<StoredEmailProvider | undefined>
  /** In a transaction, until whose end nobody else changes it. */
  hold(tenant: string): Promise<StoredEmailProvider | undefined>
  /** `false` when there is none. */
  change(provider: EmailProviderRecord): Promise<boolean>
  /** `false` when there was none. */
  remove(tenant: string): Promise<boolean>
}

export const sealContextOfEmailProvider = ({ tenant }: Pick<EmailProviderRecord, 'tenant'>): SealContext => ({
  purpose: 'email-provider',
  tenant,
  record: 'credentials',
})

export const emailProvidersIn = (db: Database, sealer: Sealer): EmailProviders => {
  const rowOf = (provider: EmailProviderRecord) => ({
    document: toText(provider.document),
    sealed_credentials: sealer.seal(sealContextOfEmailProvider(provider), toText(provider.credentials)),
  })
  const ofTenant = (tenant: string) => db.selectFrom('email_providers').selectAll().where('tenant', '=', tenant)
  const toStored = (row: EmailProvidersTable | undefined): StoredEmailProvider | undefined =>
    row && {
      tenant: row.tenant,
      document: toObject(row.document),
      readCredentials: () => toObject(sealer.open(sealContextOfEmailProvider(row), row.sealed_credentials).toString()),
    }
  return {
    async create(provider) {
      const created = await db
        .insertInto('email_providers')
        .values({ tenant: provider.tenant, ...rowOf(provider) })
        .onConflict(conflict => conflict.doNothing())
        .returning('tenant')
        .executeTakeFirst()
      return created ? 'created' : 'taken'
    },

    find: async tenant => toStored(await ofTenant(tenant).executeTakeFirst()),
    hold: async tenant => toStored(await lockingIn(db)(ofTenant(tenant)).executeTakeFirst()),

    async change(provider) {
      const changed = await db
        .updateTable('email_providers')
        .set(rowOf(provider))
        .where('tenant', '=', provider.tenant)
        .returning('tenant')
        .executeTakeFirst()
      return changed !== undefined
    },

    async remove(tenant) {
      const removed = await db
        .deleteFrom('email_providers')
        .where('tenant', '=', tenant)
        .returning('tenant')
        .executeTakeFirst()
      return removed !== undefined
    },
  }
}
