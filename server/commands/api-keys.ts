/** `latchkey api-keys …`: what the operator types and reads. What is done is `operations/api-keys.ts`. */
import { OperatorError } from '../kernel/errors.ts'
import { type Answering, answer, makeSureToTell, table, tellOnce, toMinute } from './answer.ts'
import { ask } from './ask.ts'

type OfTenant = Answering & { readonly tenant: string }

interface CreateApiKey extends OfTenant {
  readonly client: string
  readonly audience: string
  readonly name: string
  readonly user?: string | undefined
  readonly scope?: readonly string[] | undefined
  readonly days?: string | undefined
}

export async function createApiKey(given: CreateApiKey): Promise<void> {
  const { tenant, client, audience, name, user = null, scope: scopes = [], days } = given
  if (days !== undefined && !/^\d{1,4}$/.test(days)) throw new OperatorError('--days is a whole number.')
  makeSureToTell(given)
  const made = await ask('api-keys create', {
    ...{ tenant, client, audience, name, user, scopes },
    days: days === undefined ? null : Number(days),
  })
  answer(given, made, () => [
    `${made.id} (${made.name}) is for ${made.audience}, ${made.expiresAt === null ? 'until it is revoked' : `until ${toMinute(made.expiresAt)}`}.`,
    tellOnce(`${made.id}-of-${tenant}`, `The API key ${made.name} is ${made.key}`),
  ])
}

interface ListApiKeys extends OfTenant {
  readonly client?: string | undefined
  readonly user?: string | undefined
  readonly all?: boolean | undefined
}

export async function listApiKeys(given: ListApiKeys): Promise<void> {
  const { tenant, client = null, user = null } = given
  const keys = (await ask('api-keys list', { tenant, client, user })).filter(
    ({ state }) => given.all || state === 'live',
  )
  answer(given, keys, () =>
    table(
      ['id', 'name', 'client', 'user', 'audience', 'scopes', 'state', 'used', 'ends'],
      keys.map(key => [
        ...[key.id, key.name, key.client, key.user ?? '', key.audience, key.scopes.join(' '), key.state],
        key.usedAt === null ? 'never' : toMinute(key.usedAt),
        key.expiresAt === null ? '' : toMinute(key.expiresAt),
      ]),
    ),
  )
}

export async function revokeApiKey(key: string, given: OfTenant): Promise<void> {
  const { id, outcome } = await ask('api-keys revoke', { tenant: given.tenant, key })
  answer(given, { id, outcome }, () => [
    outcome === 'already' ? `${id} was revoked already.` : `${id} is revoked, here and wherever it was remembered.`,
  ])
}
