/**
 * `/client/{client_id}.js`: how Lock learns by which connections people sign in to an application, and which passwords
 * they may choose. It runs in the application's page, and tells nobody anything that the hosted pages do not.
 */
import type { Answer, Incoming } from '../http/route.ts'
import { serves } from '../identity/connections.ts'
import { databaseOptions } from '../identity/database-options.ts'
import { DATABASE_STRATEGY } from '../identity/users.ts'
import { PageError } from '../kernel/errors.ts'
import type { JsonObject } from '../kernel/json.ts'
import { type ConnectionRecord, EMAIL_STRATEGY } from '../store/connections.ts'
import type { EmbeddedServices } from './services.ts'

const SUFFIX = '.js'
/** Those that this server signs people in by. */
const SHOWN = [DATABASE_STRATEGY, EMAIL_STRATEGY]

export async function clientScript({ store, clients }: EmbeddedServices, incoming: Incoming): Promise<Answer> {
  const file = incoming.path['file'] ?? ''
  const client = file.endsWith(SUFFIX) ? await clients.find(incoming.tenant, file.slice(0, -SUFFIX.length)) : undefined
  // As a status that a script's place shows: Lock waits for ever for one that says nothing (200 without the call).
  if (!client?.isFirstParty) throw new PageError('not_found', 'There is no such application.')
  const listed = await store.connections.list(incoming.tenant, { client: client.id, strategies: SHOWN })
  const connections = listed.filter(connection => serves(connection, client))
  const strategies = Map.groupBy(connections, ({ strategy }) => strategy)
    .entries()
    .map(([name, some]) => ({ name, connections: some.map(shown) }))
    .toArray()
  const facts = { id: client.id, tenant: incoming.tenant, subscription: 'enterprise', strategies }
  return {
    status: 200,
    headers: {
      'content-type': 'application/javascript; charset=utf-8',
      // Loaded by pages of other origins, as it is meant to be.
      'cross-origin-resource-policy': 'cross-origin',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-cache',
    },
    body: `Auth0.setClient(${inScript(facts)});`,
  }
}

/** Under the names that Lock reads. */
function shown({ name, strategy, options }: ConnectionRecord): JsonObject {
  if (strategy !== DATABASE_STRATEGY) return { name }
  const { passwordPolicy } = options
  const { policy, username, isSignUpOpen, isResetOpen } = databaseOptions(options)
  return {
    name,
    passwordPolicy: passwordPolicy ?? 'none',
    // What is asked here is never less than this, whatever the level's own is.
    password_complexity_options: { min_length: policy.minimumLength },
    ...(username && { validation: { username: { min: username.shortest, max: username.longest } } }),
    requires_username: username?.isRequired ?? false,
    showSignup: isSignUpOpen,
    showForgot: isResetOpen,
  }
}

/** JSON that cannot end the script it stands in, whatever an operator called a connection. */
const inScript = (value: JsonObject): string =>
  JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
