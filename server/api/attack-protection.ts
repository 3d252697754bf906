/** `/attack-protection/…`: how much guessing the tenant allows. What each part may say is `tenants/attack-protection.ts`'. */
import Type from 'typebox'
import { changesBetween } from '../audit/changes.ts'
import { managedUnlessSame } from '../audit/events.ts'
import type { JsonObject } from '../kernel/json.ts'
import {
  changeProtection,
  type ProtectionPart,
  protectionMembers,
  protectionToWire,
  readProtection,
} from '../tenants/attack-protection.ts'
import { describedBy } from './members-schema.ts'
import { type Operation, operation } from './operation.ts'

const PATHS = {
  bruteForceProtection: ['/attack-protection/brute-force-protection', 'many wrong passwords for one account'],
  suspiciousIpThrottling: ['/attack-protection/suspicious-ip-throttling', 'many wrong passwords from one network'],
  breachedPasswordDetection: ['/attack-protection/breached-password-detection', 'passwords that are known elsewhere'],
  botDetection: ['/attack-protection/bot-detection', 'programs that sign in'],
} as const satisfies Readonly<Record<ProtectionPart, readonly [string, string]>>

const operationsOf = (part: ProtectionPart): readonly Operation[] => {
  const [path, what] = PATHS[part]
  const answers = { 200: Type.Object({}, { additionalProperties: true }) }
  return [
    operation({
      method: 'GET',
      path,
      summary: `Read what is done about ${what}`,
      scopes: ['read:attack_protection'],
      answers,
      async run({ tenant }, { store }) {
        const record = await store.tenants.find(tenant)
        return { status: 200, body: protectionToWire(record?.settings ?? {}, part) }
      },
    }),

    operation({
      method: 'PATCH',
      path,
      summary: `Change what is done about ${what}`,
      scopes: ['update:attack_protection'],
      body: describedBy(protectionMembers(part)),
      answers,
      async run({ tenant, body, client, occasion }, { store }) {
        const change = readProtection(part, body as JsonObject)
        const after = await store.transaction(async transaction => {
          const changed = await changeProtection(transaction, tenant, part, change)
          const changes = changesBetween(changed.before, changed.after)
          const by = { client: client.id }
          await transaction.events.record(
            managedUnlessSame(occasion, by, 'attack-protection', part, 'changed', changes),
          )
          return changed.after
        })
        return { status: 200, body: after }
      },
    }),
  ]
}

export const attackProtection: readonly Operation[] = (Object.keys(PATHS) as ProtectionPart[]).flatMap(operationsOf)
