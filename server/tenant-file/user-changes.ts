/**
 * From the users of a file to what is written of them. An entry says what it gives and leaves the rest alone:
 * people change their own profiles. Whatever takes away how somebody signs in ends what they signed in to.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Findings } from '../config/findings.ts'
import { databaseOptions } from '../identity/database-options.ts'
import { hashPassword, verifyPassword } from '../identity/password-hash.ts'
import { announceCost, changesTo, documentPasswordProblem } from '../identity/user-document.ts'
import { createUser, DATABASE_CONNECTION, DATABASE_STRATEGY, passwordOf, setPassword } from '../identity/users.ts'
import { newObjectId } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import { emailKey } from '../policy/email-address.ts'
import { revokeSubject } from '../revocation/revoke.ts'
import type { ConnectionRecord } from '../store/connections.ts'
import type { UserChanges, UserRecord } from '../store/users.ts'
import type { ConnectionPlan } from './connections.ts'
import { differences, type Planning, type Step } from './plan.ts'
import type { RolePlan } from './roles.ts'
import type { UserEntry } from './users.ts'

/** An entry that was met with what is stored. */
interface Met {
  readonly entry: UserEntry
  readonly before: UserRecord | undefined
  readonly connection: ConnectionRecord
  /** Ids; null when the file says nothing of roles. */
  readonly roles: readonly string[] | null
}

/** Every other section's faults are to be found before this is called: hashing is slow and begins only without any. */
export async function planUsers(
  planning: Planning,
  entries: readonly UserEntry[],
  roles: RolePlan,
  connections: ConnectionPlan,
): Promise<readonly Step[]> {
  const { findings, giveWay } = planning
  const databases = new Map<string, ConnectionRecord | undefined>()
  const met: Met[] = []
  for (const entry of entries) {
    await giveWay()
    const name = entry.connection ?? DATABASE_CONNECTION
    if (!databases.has(name)) databases.set(name, await connections.find(name))
    const connection = databases.get(name)
    if (connection?.strategy === DATABASE_STRATEGY) met.push(await meet(planning, entry, connection, roles))
    else
      findings.fault(
        entry.connection === null ? entry.path : [...entry.path, 'connection'],
        `There is no database "${name}"${entry.connection === null ? '; say by connection which one is meant' : ''}.`,
      )
  }
  findings.settle()

  const steps: Step[] = []
  // One at a time: a hash occupies one of the few threads that signing needs too.
  for (const one of met) {
    await giveWay()
    const step = one.before
      ? await change(planning, one, one.before, await newPassword(planning, one, one.before))
      : create(planning, one, planning.isForShow ? '' : await firstPassword(one.entry))
    if (step) steps.push(step)
  }
  findings.settle()
  return steps
}

async function meet(planning: Planning, entry: UserEntry, connection: ConnectionRecord, roles: RolePlan): Promise<Met> {
  const { store, tenant, findings } = planning
  const { path, id, email } = entry
  const byAddress = await store.users.findByEmailKey(tenant, connection.id, emailKey(email))
  const before = id === null ? byAddress : await store.users.find(tenant, id)
  if (byAddress && id !== null && byAddress.id !== id)
    findings.fault(path, `The address ${email} belongs to the user ${byAddress.id}.`)
  if (before && !byAddress && !(await isIn(planning, before, connection)))
    findings.fault(path, `The user ${before.id} is in another database than "${connection.name}".`)
  if (!before && entry.password === null && entry.passwordHash === null)
    findings.fault(path, 'A new user needs a password or a password_hash.')

  // Whoever is there keeps the password they have, whatever the database asks by now.
  if (!before && entry.password !== null) judgePassword(findings, entry, entry.password, connection)
  return { entry, before, connection, roles: await findRoles(findings, entry, roles) }
}

const isIn = async ({ store, tenant }: Planning, { id }: UserRecord, database: ConnectionRecord): Promise<boolean> =>
  (await store.users.identitiesOf(tenant, id)).some(({ connection }) => connection === database.id)

function judgePassword(
  findings: Findings,
  { path, email }: UserEntry,
  password: string,
  connection: ConnectionRecord,
): void {
  const problem = documentPasswordProblem(password, email, connection)
  if (problem) findings.fault([...path, 'password'], problem)
}

/** The ids of an entry's roles; null when it says nothing of them. */
export async function findRoles(
  findings: Findings,
  { path, roles: names }: UserEntry,
  roles: RolePlan,
): Promise<readonly string[] | null> {
  if (names === null) return null
  const ids: string[] = []
  for (const name of names) {
    const role = await roles.find(name)
    if (role === undefined) findings.fault([...path, 'roles'], `There is no role "${name}".`)
    else ids.push(role)
  }
  return ids
}

function create({ tenant, clock }: Planning, { entry, connection, roles }: Met, passwordHash: string): Step {
  const id = entry.id ?? `${DATABASE_STRATEGY}|${newObjectId()}`
  return {
    kind: 'user',
    id,
    name: entry.email,
    change: 'created',
    changes: {
      ...differences(null, { ...shown({ ...NOBODY, ...given(entry) }), ...(entry.roles && { roles: entry.roles }) }),
      password: 'changed',
    },
    path: entry.path,
    async write(transaction) {
      const person = {
        id,
        email: entry.email,
        emailVerified: entry.emailVerified ?? false,
        passwordHash,
        profile: entry.profile,
        appMetadata: entry.appMetadata ?? {},
        userMetadata: entry.userMetadata ?? {},
      }
      if ((await createUser(transaction, connection, person, clock)) === 'taken') return 'overtaken'
      if (entry.blocked) await transaction.users.change(tenant, id, { blocked: true }, clock())
      if (roles) await transaction.roles.assign(tenant, id, null, roles)
      if (entry.passwordHash !== null) announceCost(transaction, tenant)
      return 'written'
    },
  }
}

async function change(
  { store, tenant, clock }: Planning,
  { entry, connection, roles }: Met,
  before: UserRecord,
  password: string | null,
): Promise<Step | undefined> {
  const { id } = before
  const { remembers } = databaseOptions(connection.options)
  const changes = changesTo(before, entry)
  const isChanged = Object.keys(changes).length > 0
  const held = roles && (await store.roles.of(tenant, id, null))
  const hasOtherRoles =
    roles !== null && new Set(roles).symmetricDifference(new Set(held?.map(role => role.id))).size > 0
  if (!isChanged && password === null && !hasOtherRoles) return undefined

  const address =
    changes.email === undefined ? undefined : { connection: connection.id, emailKey: emailKey(entry.email) }
  return {
    kind: 'user',
    id,
    name: entry.email,
    change: 'changed',
    changes: {
      ...differences(shown(before), shown({ ...before, ...changes })),
      ...(hasOtherRoles && { roles: { before: held?.map(role => role.name) ?? [], after: entry.roles ?? [] } }),
      ...(password !== null && { password: 'changed' }),
    },
    path: entry.path,
    async write(transaction) {
      const now = clock()
      if (!isDeepStrictEqual(await transaction.users.find(tenant, id), before)) return 'overtaken'
      if (isChanged && (await transaction.users.change(tenant, id, changes, now, address)) !== 'changed')
        return 'overtaken'
      if (roles) await transaction.roles.assign(tenant, id, null, roles)
      if (password !== null) await setPassword(transaction, before, password, clock, { remembers })
      if (password !== null && entry.passwordHash !== null) announceCost(transaction, tenant)
      if (password !== null || changes.blocked) await revokeSubject(transaction, before, now)
      return 'written'
    },
  }
}

type Shown = Required<Omit<UserChanges, 'username'>>

const NOBODY: Shown = {
  blocked: false,
  email: null,
  emailVerified: false,
  profile: {},
  appMetadata: {},
  userMetadata: {},
}

/** What an entry says of a person, without what it leaves as it is. */
const given = (entry: UserEntry): UserChanges =>
  Object.fromEntries(
    Object.keys(NOBODY).flatMap(name => {
      const value = entry[name as keyof Shown]
      return value === null ? [] : [[name, value]]
    }),
  )

/** Under the file's names. */
const shown = ({ blocked, email, emailVerified, profile, appMetadata, userMetadata }: Shown): JsonObject => ({
  ...{ email, email_verified: emailVerified, blocked, ...profile },
  ...{ app_metadata: appMetadata, user_metadata: userMetadata },
})

/** `meet` has made sure that a new user has the one or the other. */
async function firstPassword({ password, passwordHash }: UserEntry): Promise<string> {
  if (password !== null) return hashPassword(password)
  if (passwordHash === null) throw new TypeError('A new user without a password')
  return passwordHash
}

/**
 * The hash to store, or null to leave the password alone. A password in the file is what the operator wants it
 * to be. A hash is what it was somewhere else, perhaps years ago: it never replaces what a person has chosen since.
 */
async function newPassword(
  { store, tenant, findings }: Planning,
  { entry, connection }: Met,
  before: UserRecord,
): Promise<string | null> {
  if (entry.password === null && entry.passwordHash === null) return null
  const stored = await passwordOf(store, tenant, before.id)
  if (entry.password === null) return stored ? null : entry.passwordHash
  if (stored && (await verifyPassword(entry.password, stored.secret)).matches) return null
  judgePassword(findings, entry, entry.password, connection)
  return hashPassword(entry.password)
}
