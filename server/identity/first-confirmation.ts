/**
 * Somebody can make an account with another's address and wait for its owner to come. So the first time the owner of an
 * unconfirmed address takes the account over by mail, what was begun before counts no more. Sessions, tokens and the old
 * password are ended by whoever changes the password; a kind of credential that is added to these goes here.
 */
import type { Transaction } from '../store/store.ts'
import type { UserRecord } from '../store/users.ts'

export async function endWhatOthersBegan(
  { consents }: Transaction,
  { tenant, id }: Pick<UserRecord, 'tenant' | 'id'>,
): Promise<void> {
  const clients = new Set((await consents.ofUser(tenant, id)).map(({ client }) => client))
  for (const client of clients) await consents.withdraw(tenant, id, client)
}
