/**
 * What there has to be before anybody can do anything: the default tenant on its host, its database of
 * passwords, and an administrator. Made once; only the host follows the setting at every start of a server.
 */
import { applied, type Occasion, signedUp } from '../audit/events.ts'
import { findPasswordProblem } from '../identity/choosable-password.ts'
import { hashPassword } from '../identity/password-hash.ts'
import { createDatabase, createUser } from '../identity/users.ts'
import type { Clock } from '../kernel/clock.ts'
import { OperatorError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import { randomSecret } from '../kernel/secrets.ts'
import { readEmailAddress } from '../policy/email-address.ts'
import type { Store, Transaction } from '../store/store.ts'

export const DEFAULT_TENANT = 'default'
export const ADMINISTRATOR = 'Administrator'

export interface FirstStart {
  /** Of the administrator just made; null when there was one already. */
  readonly administrator: { readonly email: string; readonly password: string; readonly wasMade: boolean } | null
}

export interface FirstStartOptions {
  readonly store: Store
  readonly clock: Clock
  readonly issuer: string
  /** Of a command beside it, LATCHKEY_ISSUER may be unset: where the tenant answers is for the server to say. */
  readonly isServer: boolean
  readonly adminEmail: string
  /** Null: one is made. */
  readonly adminPassword: string | null
  /** Tells a password that was made, before anything depends on it. */
  readonly tell: (administrator: { email: string; password: string }) => void
}

/**
 * Of several servers that start at once over one empty database one makes it all, and the others find it made.
 * Throws `OperatorError` when the host is another tenant's, or the administrator's settings will not do.
 */
export async function prepareFirstStart(options: FirstStartOptions): Promise<FirstStart> {
  const { store, clock, issuer, isServer } = options
  const isNew = (await store.tenants.find(DEFAULT_TENANT)) === undefined
  const administrator = isNew ? await chooseAdministrator(options) : null

  const outcome = await store.transaction(async transaction => {
    if (administrator && (await makeTenant(transaction, administrator, clock)) === 'taken') return 'overtaken'
    if (isNew || isServer) {
      const { host } = new URL(issuer)
      if ((await transaction.tenants.putHost({ host, tenant: DEFAULT_TENANT, issuer })) === 'taken')
        throw new OperatorError(`LATCHKEY_ISSUER names the host ${host}, which belongs to another tenant.`)
      transaction.announce({ topic: 'host', tenant: DEFAULT_TENANT, id: host })
    }
    // Before the commit: a password that nobody was told would lock everybody out for good.
    if (administrator?.wasMade) options.tell(administrator)
    return 'done'
  })
  if (outcome === 'done') return { administrator }
  if ((await store.tenants.find(DEFAULT_TENANT)) === undefined)
    throw new Error(`The name of the tenant ${DEFAULT_TENANT}, which is missing, is another's`)
  return prepareFirstStart(options)
}

type Administrator = Awaited<ReturnType<typeof chooseAdministrator>>

/** `taken`, and nothing written, when another server made it meanwhile. */
async function makeTenant(
  transaction: Transaction,
  administrator: Administrator,
  clock: Clock,
): Promise<'made' | 'taken'> {
  const now = clock()
  const tenant = { id: DEFAULT_TENANT, name: 'Latchkey', settings: {}, createdAt: now }
  // First of all: it waits until whoever is at it has committed.
  if ((await transaction.tenants.create(tenant)) === 'taken') return 'taken'
  const connection = await createDatabase(transaction, DEFAULT_TENANT)
  const user = await createUser(
    transaction,
    connection,
    {
      email: administrator.email,
      emailVerified: true,
      passwordHash: administrator.hash,
      profile: { name: ADMINISTRATOR },
    },
    clock,
  )
  if (user === 'taken') throw new Error('A new tenant has users already')
  const role = {
    tenant: DEFAULT_TENANT,
    id: newId('rol'),
    name: ADMINISTRATOR,
    description: 'May do everything in this tenant.',
  }
  if ((await transaction.roles.put(role)) !== 'created') throw new Error('A new tenant has roles already')
  await transaction.roles.assign(DEFAULT_TENANT, user.id, null, [role.id])
  const occasion: Occasion = {
    tenant: DEFAULT_TENANT,
    at: now,
    requestId: 'first-start',
    address: null,
    userAgent: null,
  }
  await transaction.events.record([
    applied(occasion, 'tenant', DEFAULT_TENANT, 'created'),
    signedUp(occasion, user.id, administrator.email, connection.name),
  ])
  return 'made'
}

async function chooseAdministrator({ adminEmail, adminPassword }: FirstStartOptions) {
  const email = readEmailAddress(adminEmail)
  if (email === undefined) throw new OperatorError(`LATCHKEY_ADMIN_EMAIL is not an e-mail address: "${adminEmail}".`)
  const problem = adminPassword === null ? undefined : await findPasswordProblem(adminPassword, [email])
  if (problem) throw new OperatorError(`LATCHKEY_ADMIN_PASSWORD will not do: ${problem.replaceAll('_', ' ')}.`)
  const password = adminPassword ?? randomSecret().slice(0, 20)
  return { email, password, wasMade: adminPassword === null, hash: await hashPassword(password) }
}
