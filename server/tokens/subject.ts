/**
 * What a client calls a person: `sub` in whatever it is told of them, and the way back from it. To most clients that
 * is the user's id. Clients that are set to it know a person by a name of their sector's own (OpenID Connect Core §8.1),
 * so that two of them cannot find out that they serve the same one.
 */
import type { Client } from '../clients/metadata.ts'
import { hmacSha256 } from '../kernel/secrets.ts'
import type { Keyring } from '../keys/keyring.ts'
import type { Store } from '../store/store.ts'
import type { Active } from './assert-active.ts'

export interface Subjects {
  /** The `sub` of the person for the client. The same for as long as both are. */
  of(client: Client, user: string): Promise<string>
  /** The id of the user whom the client means by a `sub`; undefined for a name it was never given. */
  userOf(client: Client, subject: string): Promise<string | undefined>
}

/** Names known to be on record, so that each is written once and not with every token. */
const KNOWN_AT_MOST = 10_000

export function createSubjects({
  keyring,
  store,
}: {
  keyring: Pick<Keyring, 'secret'>
  store: Pick<Store, 'pairwiseSubjects'>
}): Subjects {
  const known = new Set<string>()

  async function nameOf({ tenant, sector }: Client & { sector: string }, user: string): Promise<string> {
    const { key } = await keyring.secret(tenant, 'pairwise-salt')
    return hmacSha256(key, JSON.stringify([sector, user]))
  }

  return {
    async of(client, user) {
      if (!isPairwise(client)) return user
      const subject = await nameOf(client, user)
      const name = `${client.tenant} ${subject}`
      if (!known.has(name)) {
        // Before anybody hears of the name: one that leads nowhere could not be signed out.
        await store.pairwiseSubjects.note(client.tenant, subject, user)
        known.add(name)
        if (known.size > KNOWN_AT_MOST) known.delete(known.keys().next().value as string)
      }
      return subject
    },

    async userOf(client, subject) {
      if (!isPairwise(client)) return subject
      const user = await store.pairwiseSubjects.userOf(client.tenant, subject)
      // A name that another sector was given is none of this one's.
      return user !== undefined && (await nameOf(client, user)) === subject ? user : undefined
    },
  }
}

/** What the client calls whom a token is about; a machine stands for itself. */
export const subjectOf = async (subjects: Subjects, { client, user }: Active): Promise<string> =>
  user ? subjects.of(client, user.id) : `${client.id}@clients`

const isPairwise = (client: Client): client is Client & { sector: string } => client.sector !== null
