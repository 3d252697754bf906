/**
 * Whose address a token request is judged and recorded by. A back end that takes passwords itself asks for all of its
 * people from one address, and a brake on that would stop them all; so a client that proved itself may say whose it is, in
 * Auth0's header, if its settings allow that.
 */
import { isIP } from 'node:net'
import type { Occasion } from '../audit/events.ts'
import type { Client } from '../clients/metadata.ts'
import type { Incoming } from '../http/route.ts'

const HEADER = 'auth0-forwarded-for'

/** What is no address is as good as none. */
export function withForwardedAddress(occasion: Occasion, client: Client, incoming: Incoming): Occasion {
  const said = client.trustsForwardedAddress ? incoming.header(HEADER) : undefined
  return said !== undefined && isIP(said) !== 0 ? { ...occasion, address: said } : occasion
}
