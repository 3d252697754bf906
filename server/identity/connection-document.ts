/** What may be said of a connection, whoever says it: its name, its strategy, and the bounds of the rest. Auth0's. */
import type { Members, Problem } from '../config/members.ts'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'
import { databaseOptionProblems } from './database-options.ts'
import { DATABASE_STRATEGY } from './users.ts'

export const STRATEGIES: readonly string[] = [
  ...[
    'ad',
    'adfs',
    'amazon',
    'apple',
    'asana',
    'atlassian',
    'auth0',
    'auth0-oidc',
    'baidu',
    'bitbucket',
    'bitly',
    'box',
  ],
  ...['cloudflare-mcp', 'custom', 'daccount', 'dropbox', 'dwolla', 'email', 'evernote', 'evernote-sandbox', 'exact'],
  ...[
    'facebook',
    'fitbit',
    'github',
    'gitlab',
    'google-apps',
    'google-oauth2',
    'hubspot-mcp',
    'instagram',
    'ip',
    'line',
  ],
  ...[
    'linear-mcp',
    'linkedin',
    'notion-mcp',
    'oauth1',
    'oauth2',
    'office365',
    'oidc',
    'okta',
    'paypal',
    'paypal-sandbox',
  ],
  ...[
    'pingfederate',
    'planningcenter',
    'salesforce',
    'salesforce-community',
    'salesforce-sandbox',
    'samlp',
    'sentry-mcp',
  ],
  ...['sharepoint', 'shop', 'shopify', 'slack', 'sms', 'soundcloud', 'thirtysevensignals', 'twitter', 'untappd'],
  ...['vkontakte', 'waad', 'weibo', 'windowslive', 'wordpress', 'yahoo', 'yandex'],
]

export const CONNECTION_NAME = '^[a-zA-Z0-9]([a-zA-Z0-9-]{0,126}[a-zA-Z0-9])?$'
export const LONGEST_DISPLAY_NAME = 128
export const MOST_CLIENTS = 10_000
export const MOST_REALMS = 10
export const LONGEST_REALM = 128
export const MOST_METADATA = 10
export const LONGEST_METADATUM = 255

const isText = (value: JsonValue | undefined, longest: number): boolean =>
  typeof value === 'string' && value !== '' && value.length <= longest

const displayName = (value: JsonValue, name: string): string | undefined =>
  isText(value, LONGEST_DISPLAY_NAME) ? undefined : `${name} must be text of 1 to ${LONGEST_DISPLAY_NAME} characters.`

const realms = (value: JsonValue, name: string): string | undefined =>
  Array.isArray(value) && value.length <= MOST_REALMS && value.every(realm => isText(realm, LONGEST_REALM))
    ? undefined
    : `${name} must be a list of at most ${MOST_REALMS} texts of 1 to ${LONGEST_REALM} characters.`

const metadata = (value: JsonValue, name: string): string | undefined =>
  isObject(value) &&
  Object.keys(value).length <= MOST_METADATA &&
  Object.entries(value).every(
    ([key, item]) =>
      isText(key, LONGEST_METADATUM) &&
      (item === null || (typeof item === 'string' && item.length <= LONGEST_METADATUM)),
  )
    ? undefined
    : `${name} must be a mapping of at most ${MOST_METADATA} texts of at most ${LONGEST_METADATUM} characters.`

const options = (value: JsonValue, name: string): string | undefined =>
  isObject(value) ? undefined : `${name} must be a mapping.`

const flag = { is: 'boolean', optional: true } as const
const PURPOSE = { is: 'object', optional: true, members: { active: flag } } as const

/** Those of `CONNECTION_SETTINGS`, and the options, for whoever reads them from a file. */
export const CONNECTION_MEMBERS = {
  display_name: { is: 'any', check: displayName, optional: true },
  realms: { is: 'any', check: realms, optional: true },
  is_domain_connection: flag,
  show_as_button: flag,
  metadata: { is: 'any', check: metadata, optional: true },
  authentication: PURPOSE,
  connected_accounts: PURPOSE,
  cross_app_access_requesting_app: PURPOSE,
  options: { is: 'any', check: options, optional: true },
} as const satisfies Members

/** Of the strategies that have a meaning here; the options of others are kept as they are given. */
export const optionProblems = (strategy: string, options: JsonObject): Problem[] =>
  strategy === DATABASE_STRATEGY ? databaseOptionProblems(options) : []
