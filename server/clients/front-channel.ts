/** What a page loads so that clients end their part of a session in this browser (OpenID Connect Front-Channel Logout 1.0 §3). */
import { withQuery } from '../kernel/url.ts'
import type { SessionClient } from '../store/session-clients.ts'
import type { Clients } from './clients.ts'

/** Beyond it a page loads nobody's frame in time; those clients have the back channel. */
const MOST_FRAMES = 50

/** One address a client and session, with whose session ended and nothing else; none of a client that has none any more. */
export async function framesOf(clients: Clients, participants: readonly SessionClient[]): Promise<string[]> {
  const frames = await Promise.all(
    participants.slice(0, MOST_FRAMES).map(async ({ tenant, client, issuer, session }) => {
      const url = (await clients.find(tenant, client))?.frontChannelLogout ?? null
      return url === null ? [] : [withQuery(url, { iss: issuer, sid: session })]
    }),
  )
  return frames.flat()
}
