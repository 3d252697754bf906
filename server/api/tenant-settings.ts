/** `/tenants/settings`: what holds for the whole tenant. Which settings there are is said in `tenants/settings.ts`. */
import Type from 'typebox'
import { changesBetween } from '../audit/changes.ts'
import { managedUnlessSame } from '../audit/events.ts'
import type { JsonObject } from '../kernel/json.ts'
import { changeSettings, settingsToWire } from '../tenants/settings.ts'
import { FIELDS_QUERY, fieldsOf } from './fields.ts'
import { type Operation, operation } from './operation.ts'

const SETTINGS = Type.Object({}, { additionalProperties: true })

export const tenantSettings: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/tenants/settings',
    summary: 'Read the settings of the tenant',
    scopes: ['read:tenant_settings'],
    query: Type.Object(FIELDS_QUERY),
    answers: { 200: SETTINGS },
    async run({ tenant, query }, { store }) {
      const record = await store.tenants.find(tenant)
      return { status: 200, body: fieldsOf(query)(settingsToWire(record?.settings ?? {})) }
    },
  }),

  operation({
    method: 'PATCH',
    path: '/tenants/settings',
    summary: 'Change settings of the tenant',
    scopes: ['update:tenant_settings'],
    body: SETTINGS,
    answers: { 200: SETTINGS },
    async run({ tenant, body, client, occasion }, { store }) {
      const after = await store.transaction(async transaction => {
        const changed = await changeSettings(transaction, tenant, body as JsonObject)
        const changes = changesBetween(changed.before, changed.after)
        await transaction.events.record(
          managedUnlessSame(occasion, { client: client.id }, 'tenant', tenant, 'changed', changes),
        )
        return changed.after
      })
      return { status: 200, body: settingsToWire(after) }
    },
  }),
]
