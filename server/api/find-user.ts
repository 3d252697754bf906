/** The person that a path names, for every resource of theirs. */
import type { Nouns } from '../store/store.ts'
import type { UserRecord } from '../store/users.ts'
import { notFound } from './fault.ts'

export const inexistentUser = () => notFound('inexistent_user', 'The user does not exist.')

export async function findUser(store: Nouns, tenant: string, id: string): Promise<UserRecord> {
  const user = await store.users.find(tenant, id)
  if (!user) throw inexistentUser()
  return user
}
