/** A person as pages show them: by picture or initials, name and address. */
import { initialsOf } from '../words/initials.ts'
import { isolatedName } from '../words/names.ts'

/** As stored. */
export interface Person {
  readonly name: string
  readonly email: string | null
  readonly pictureUrl?: string | undefined
}

/** Whoever has no name of their own is called by their address, and it is not said twice. */
export function personView({ name: stored, email, pictureUrl }: Person) {
  const name = stored.trim() || email || ''
  return {
    name: isolatedName(name),
    email: email === name ? null : email,
    initials: initialsOf(name),
    pictureUrl: pictureUrl ?? null,
  }
}
