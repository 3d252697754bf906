/** An application that signs people in on a page of its own: where that is, and what its client says. */
import { tenantFile } from './stage.ts'

export const ORIGIN = 'https://app.example'
export const LOCK = { client_id: 'lock' } as const
const [spa] = tenantFile.clients
export const crossOrigin = {
  ...spa,
  grant_types: ['authorization_code', 'implicit'],
  cross_origin_authentication: true,
}
