/** What the keyring is told of clients and APIs: which algorithms their tokens are to be signed with. */
import { ALWAYS_WANTED, type WantedAlgorithms } from '../keys/wanted.ts'
import type { Store } from '../store/store.ts'
import { ID_TOKEN_ALGORITHMS } from './metadata.ts'

/** Those a client or an API has to ask for. An API's HS256 is no key of the set. */
const BY_REQUEST = ID_TOKEN_ALGORITHMS.filter(name => name !== ALWAYS_WANTED)

export const wantedAlgorithmsIn =
  ({ clients, resourceServers }: Store): WantedAlgorithms =>
  async tenant => {
    const asked = await Promise.all([
      clients.askedAlgorithms(tenant, BY_REQUEST),
      resourceServers.askedAlgorithms(tenant, BY_REQUEST),
    ])
    return BY_REQUEST.filter(name => asked.some(names => names.includes(name)))
  }
