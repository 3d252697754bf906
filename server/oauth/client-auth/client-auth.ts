/** How a client proves that it is itself: the type, and the list. */
import type { Client } from '../../clients/metadata.ts'
import type { Incoming } from '../../http/route.ts'
import { none } from './none.ts'
import { secretBasic, secretPost } from './secret.ts'

/** A claim to be a client, as found in a request; nothing of it is believed yet. */
export interface Claimed {
  readonly clientId: string
  readonly proof: string
}

export interface ClientAuthMethod {
  /** Its `token_endpoint_auth_method` value. */
  readonly name: string
  readonly spec: string
  /** Undefined when the request does not use it. Throws `ProtocolError` when it does so badly. */
  readonly find: (incoming: Incoming) => Claimed | undefined
  /** Whether the client may use it, and the proof is good. Constant in time for a client that may. */
  readonly verify: (client: Client, proof: string) => boolean
}

/** `none` is last: naming oneself is no proof when there is another. */
export const clientAuthMethods: readonly ClientAuthMethod[] = [secretBasic, secretPost, none]
