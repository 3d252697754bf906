/** A user as pages show them. */
import type { Person } from '../http/person-view.ts'
import type { UserRecord } from '../store/users.ts'

export function shownPerson({ id, email, profile }: UserRecord): Person {
  const { name, picture } = profile
  return {
    name: typeof name === 'string' ? name : (email ?? id),
    email,
    ...(typeof picture === 'string' && { pictureUrl: picture }),
  }
}
