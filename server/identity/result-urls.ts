/**
 * Where a link that an operator hands over may lead on to: to an origin that the tenant or one of its applications has
 * registered, and nowhere else, so that a link to our host cannot be made to end at a stranger's.
 */
import type { JsonObject, JsonValue } from '../kernel/json.ts'
import { originOf } from '../kernel/url.ts'
import { everyClient } from '../store/clients.ts'
import type { Nouns } from '../store/store.ts'

/** Of a client: where its people come back to, one way or the other. */
const MEMBERS = ['callbacks', 'allowed_logout_urls', 'web_origins', 'initiate_login_uri', 'client_uri'] as const

/** Only http and https: everything else a browser would run, or hand to another program. */
export async function isAllowedResult({ tenants, clients }: Nouns, tenant: string, url: string): Promise<boolean> {
  const wanted = webOrigin(url)
  if (wanted === undefined) return false
  const settings = (await tenants.find(tenant))?.settings ?? {}
  if (hasOrigin(settings, ['allowed_logout_urls'], wanted)) return true
  for await (const { metadata } of everyClient({ clients }, tenant))
    if (metadata['is_first_party'] !== false && hasOrigin(metadata, MEMBERS, wanted)) return true
  return false
}

const webOrigin = (text: string): string | undefined => {
  const url = URL.parse(text)
  return url && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
    ? originOf(text)
    : undefined
}

const hasOrigin = (document: JsonObject, members: readonly string[], wanted: string): boolean =>
  members.flatMap(name => urlsIn(document[name])).some(url => webOrigin(url) === wanted)

const urlsIn = (value: JsonValue | undefined): string[] =>
  (Array.isArray(value) ? value : [value]).filter(one => typeof one === 'string' && !one.includes('*')) as string[]
