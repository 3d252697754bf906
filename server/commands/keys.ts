/** `latchkey keys …`: what the operator types and reads. What is done is `operations/keys.ts`. */
import { OperatorError } from '../kernel/errors.ts'
import { randomSecret } from '../kernel/secrets.ts'
import type { Key } from '../operations/keys.ts'
import { type Answering, answer, makeSureToTell, table, tellOnce, toMinute } from './answer.ts'
import { ask } from './ask.ts'
import { readPiped } from './secret.ts'

interface OfTenant extends Answering {
  readonly tenant: string
}

const OUT_OF_USE: readonly Key['state'][] = ['retired', 'destroyed']

/** What the schedule does with a key in each state when its time comes. */
const NEXT: Readonly<Record<Key['state'], string>> = {
  announced: 'signs',
  signing: 'gets a successor',
  verifying: 'leaves the key set',
  retired: 'is forgotten',
  current: 'gets a successor',
  accepted: 'is destroyed',
  destroyed: '',
}

export async function listKeys(given: OfTenant & { all?: boolean | undefined }): Promise<void> {
  const keys = (await ask('keys list', { tenant: given.tenant })).filter(
    ({ state }) => given.all || !OUT_OF_USE.includes(state),
  )
  answer(given, keys, () =>
    table(
      ['id', 'purpose', 'algorithm', 'state', 'since', 'next'],
      keys.map(({ id, purpose, api, algorithm, state, since, changesAt }) => [
        id,
        api === null ? purpose : `${purpose} of ${api}`,
        algorithm,
        state,
        toMinute(since),
        changesAt === null ? '' : `${NEXT[state]} ${toMinute(changesAt)}`,
      ]),
    ),
  )
}

interface RotateKey extends OfTenant {
  readonly algorithm?: string | undefined
  readonly purpose?: string | undefined
  readonly api?: string | undefined
  readonly 'secret-stdin'?: boolean | undefined
}

export async function rotateKey(key: string | undefined, given: RotateKey): Promise<void> {
  const { tenant, algorithm, purpose, api } = given
  if ([key, algorithm, purpose, api].filter(one => one !== undefined).length !== 1)
    throw new OperatorError('Say which key: its id, or one of --algorithm, --purpose and --api.')
  if (api !== undefined) return rotateApiSecret(api, given)
  if (given['secret-stdin']) throw new OperatorError('--secret-stdin goes with --api.')
  const wanted = key !== undefined ? { key } : algorithm !== undefined ? { algorithm } : { purpose: purpose ?? '' }
  const rotated = await ask('keys rotate', { tenant, ...wanted })
  answer(given, rotated, () => [
    rotated.isNow
      ? `Another ${rotated.purpose} key (${rotated.algorithm}) is in use from now on.`
      : `Another ${rotated.purpose} key (${rotated.algorithm}) is published and signs from ${toMinute(rotated.takesOver)} on, when every verifier knows it.`,
  ])
}

async function rotateApiSecret(api: string, given: RotateKey): Promise<void> {
  const chosen = given['secret-stdin'] ? await readPiped('--secret-stdin') : null
  if (chosen === null) makeSureToTell(given)
  const secret = chosen ?? randomSecret()
  const { outcome } = await ask('keys rotate-api', { tenant: given.tenant, api, secret })
  answer(given, { outcome, ...(chosen === null && { secret }) }, () =>
    outcome === 'unchanged'
      ? [`${api} has this secret already.`]
      : [
          `Tokens for ${api} are signed with another secret; the former one is taken while any of its tokens lives.`,
          ...(chosen === null ? [tellOnce(`api-${api}-of-${given.tenant}`, `The secret of ${api} is ${secret}`)] : []),
        ],
  )
}

export async function revokeKey(key: string, given: OfTenant): Promise<void> {
  const { outcome } = await ask('keys revoke', { tenant: given.tenant, key })
  answer(given, { outcome }, () => [
    outcome === 'already'
      ? `${key} was out of use already.`
      : `${key} is out of use, and whatever it signed or made is refused from now on.`,
  ])
}

export async function rewrapKeys(given: Answering): Promise<void> {
  const { masterKey, moved, left, idle } = await ask('keys rewrap', {})
  const count = Object.values(moved).reduce((sum, one) => sum + one, 0)
  // What was moved just now was sealed by somebody, who may be at it still.
  const isOver = count === 0 && !left.some(({ isListed }) => isListed)
  answer(given, { masterKey, moved, left, idle }, () => [
    count === 0
      ? `Everything that could be moved is sealed under the master key ${masterKey} already.`
      : `${count} values are now sealed under the master key ${masterKey}.`,
    ...left.map(({ masterKey: id, values, isListed }) =>
      isListed
        ? `${values} are still under ${id}: a server that seals with it runs. Restart it with this file, and run this again.`
        : `${values} are under ${id}, which the master key file does not list: put its line back.`,
    ),
    ...idle.map(id => `${id} seals nothing ${isOver ? IDLE : IDLE_FOR_NOW}`),
  ])
}

/** Neither a key just added nor one that some server still has first is told from one that is over: only the operator knows. */
const IDLE = `now. If it was the first line once, and every server has been restarted with this file, its line may go; if it is yet to be the first, it stays.`
const IDLE_FOR_NOW = `at the moment, but keep its line: once every server has been restarted with this file, run this again.`
