/** Many users in few statements: what `Users.createAll` promises. One at a time is `users.ts`'s. */
import { sql } from 'kysely'
import { atomically } from './atomic.ts'
import { attributesOf } from './attributes.ts'
import { toFlag, toText } from './columns.ts'
import type { CredentialRecord } from './credentials.ts'
import { rowsOf } from './dialect.ts'
import type { CredentialsTable, Database, IdentitiesTable, UserAttributesTable, UsersTable } from './schema.ts'
import type { IdentityRecord, UserRecord } from './users.ts'

export interface NewPerson {
  readonly user: UserRecord
  readonly identity: IdentityRecord
  /** Null for somebody who has none yet. */
  readonly password: CredentialRecord | null
}

type Columns<Table> = { readonly [Column in keyof Table]: 'text' | 'bigint' }
type Row<Table> = readonly Table[keyof Table][]

const USERS: Columns<Omit<UsersTable, 'removed_at'>> = {
  tenant: 'text',
  id: 'text',
  epoch: 'bigint',
  blocked: 'bigint',
  email: 'text',
  email_verified: 'bigint',
  profile: 'text',
  app_metadata: 'text',
  user_metadata: 'text',
  created_at: 'bigint',
  updated_at: 'bigint',
  username: 'text',
  last_login_at: 'bigint',
  last_ip: 'text',
  logins_count: 'bigint',
  last_password_reset_at: 'bigint',
}
const userRow = (user: UserRecord): Row<UsersTable> => [
  user.tenant,
  user.id,
  user.epoch,
  toFlag(user.blocked),
  user.email,
  toFlag(user.emailVerified),
  toText(user.profile),
  toText(user.appMetadata),
  toText(user.userMetadata),
  user.createdAt,
  user.updatedAt,
  user.username,
  user.lastLoginAt,
  user.lastIp,
  user.loginsCount,
  user.lastPasswordResetAt,
]

const IDENTITIES: Columns<IdentitiesTable> = {
  tenant: 'text',
  user: 'text',
  connection: 'text',
  provider: 'text',
  subject: 'text',
  email_key: 'text',
  username_key: 'text',
  profile: 'text',
  ordinal: 'bigint',
}
const identityRow = (identity: IdentityRecord): Row<IdentitiesTable> => [
  identity.tenant,
  identity.user,
  identity.connection,
  identity.provider,
  identity.subject,
  identity.emailKey,
  identity.usernameKey,
  identity.profile && toText(identity.profile),
  identity.ordinal,
]

const CREDENTIALS: Columns<CredentialsTable> = {
  tenant: 'text',
  user: 'text',
  kind: 'text',
  id: 'text',
  public_part: 'text',
  secret: 'text',
  counter: 'bigint',
  created_at: 'bigint',
  cost_class: 'bigint',
}
const credentialRow = (credential: CredentialRecord): Row<CredentialsTable> => [
  credential.tenant,
  credential.user,
  credential.kind,
  credential.id,
  credential.publicPart,
  credential.secret,
  credential.counter,
  credential.createdAt,
  credential.costClass,
]

const ATTRIBUTES: Columns<UserAttributesTable> = { tenant: 'text', path: 'text', value: 'text', user: 'text' }
type AttributeRow = readonly [tenant: string, path: string, value: string, user: string]

/** Statements, not rows: of as many people as there are. Answers in their order. */
export const createAllIn = (db: Database, people: readonly NewPerson[]): Promise<('created' | 'taken')[]> =>
  atomically(db, async transaction => {
    const first = firstOfEachName(people)
    const written = await insert(
      transaction,
      'users',
      USERS,
      first.map(({ user }) => userRow(user)),
      'id',
    )
    const joining = first.filter(({ user }) => written.has(nameIn(user.tenant, user.id)))
    const identities = joining.map(({ identity }) => identityRow(identity))
    const joined = await insert(transaction, 'identities', IDENTITIES, identities, 'user')
    const [created, refused] = partition(joining, ({ user }) => joined.has(nameIn(user.tenant, user.id)))
    for (const { user } of refused)
      await transaction.deleteFrom('users').where('tenant', '=', user.tenant).where('id', '=', user.id).execute()

    const passwords = created.flatMap(({ password }) => (password ? [credentialRow(password)] : []))
    await insert(transaction, 'credentials', CREDENTIALS, passwords)
    await insert(transaction, 'user_attributes', ATTRIBUTES, attributeRows(created))
    const those = new Set(created)
    return people.map(person => (those.has(person) ? 'created' : 'taken'))
  })

/** What is inserted into `column` and was not there, each with its tenant. */
async function insert<Table>(
  db: Database,
  table: string,
  columns: Columns<Table>,
  rows: readonly Row<Table>[],
  column?: keyof Table & string,
): Promise<ReadonlySet<string>> {
  if (rows.length === 0) return new Set()
  const into = sql.join(Object.keys(columns).map(name => sql.ref(name)))
  const values = rowsOf(db, columns, rows as readonly (readonly (string | number | null)[])[])
  const returning =
    column === undefined ? sql`` : sql`on conflict do nothing returning tenant, ${sql.ref(column)} as name`
  const inserted = await sql<{ tenant: string; name: string }>`
    insert into ${sql.table(table)} (${into}) ${values} ${returning}`.execute(db)
  return new Set(inserted.rows.map(({ tenant, name }) => nameIn(tenant, name)))
}

const nameIn = (tenant: string, name: string): string => `${tenant} ${name}`

/**
 * Without those whose id or name another before them has. In the order of the names that people have elsewhere too, so that
 * of two that are given the same people none holds what the other waits for.
 */
function firstOfEachName(people: readonly NewPerson[]): NewPerson[] {
  const seen = new Set<string>()
  const first = people.filter(({ user, identity }) => {
    const names = [
      `id ${nameIn(user.tenant, user.id)}`,
      `subject ${nameIn(identity.tenant, identity.connection)} ${identity.subject}`,
      ...(identity.emailKey === null
        ? []
        : [`email ${nameIn(identity.tenant, identity.connection)} ${identity.emailKey}`]),
      ...(identity.usernameKey === null
        ? []
        : [`username ${nameIn(identity.tenant, identity.connection)} ${identity.usernameKey}`]),
    ]
    if (names.some(name => seen.has(name))) return false
    for (const name of names) seen.add(name)
    return true
  })
  return first.sort(by(({ identity }) => identity.emailKey ?? identity.subject))
}

/** In the order of the index, whose pages are then written once each. */
const attributeRows = (people: readonly NewPerson[]): AttributeRow[] =>
  people
    .flatMap(({ user }) =>
      attributesOf(user).map(({ path, value }): AttributeRow => [user.tenant, path, value, user.id]),
    )
    .sort((one, other) => compare(one[1], other[1]) || compare(one[2], other[2]))

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0)

const by =
  <T>(key: (item: T) => string) =>
  (one: T, other: T): number =>
    compare(key(one), key(other))

const partition = <T>(items: readonly T[], isFirst: (item: T) => boolean): [first: T[], second: T[]] => [
  items.filter(isFirst),
  items.filter(item => !isFirst(item)),
]
