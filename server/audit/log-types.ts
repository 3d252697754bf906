/**
 * The catalogue of events, and what Auth0 calls each in its logs: a code, and a line of what happened. An event that has no
 * row does not compile. What Auth0 has no code for keeps its own name as one, rather than that of something else.
 */
import type { EventRecord } from '../store/events.ts'
import type { Managed } from './events.ts'

interface LogType {
  readonly code: string | ((event: EventRecord) => string)
  /** Whatever `code` may answer, so that events are found by it. */
  readonly codes: readonly string[]
  readonly description: string
}

const is = (code: string, description: string): LogType => ({ code, codes: [code], description })

/** What an operator did is one of Auth0's API operations, whatever they used; what happens by itself is none. */
const byOperator = (type: string, description: string): LogType => ({
  code: ({ actor }) => (actor.kind === 'system' ? type : API_OPERATION),
  codes: [API_OPERATION, type],
  description,
})

const API_OPERATION = 'sapi'

const CHANGES = { created: 'Create', changed: 'Update', removed: 'Delete' } as const
type Change = keyof typeof CHANGES

/** Of each kind that is managed, what it is called in a line. */
const KINDS: Readonly<Record<Managed, string>> = {
  'attack-protection': 'attack protection settings',
  'authentication-method': 'an authentication method',
  block: 'a block',
  branding: 'branding',
  client: 'a client',
  'client-credential': 'a client credential',
  'client-grant': 'a client grant',
  connection: 'a connection',
  consent: 'a grant',
  'custom-domain': 'a custom domain',
  'device-credential': 'a device credential',
  'email-provider': 'the email provider',
  'email-template': 'an email template',
  identity: 'an identity of a user',
  invitation: 'an invitation',
  job: 'a job',
  organization: 'an organization',
  'organization-client': 'a client of an organization',
  'organization-client-grant': 'a client grant of an organization',
  'organization-connection': 'a connection of an organization',
  'organization-domain': 'a domain of an organization',
  'organization-member': 'a member of an organization',
  prompt: 'prompt settings',
  'refresh-token': 'a refresh token',
  'resource-server': 'a resource server',
  role: 'a role',
  'role-permission': 'a permission of a role',
  session: 'a session',
  tenant: 'tenant settings',
  theme: 'a theme',
  ticket: 'a ticket',
  user: 'a user',
  'user-permission': 'a permission of a user',
  'user-role': 'a role of a user',
}

type ManagedType = `${Managed}.${Change}`

const MANAGED_TYPES = Object.fromEntries(
  Object.entries(KINDS).flatMap(([kind, words]) =>
    Object.entries(CHANGES).map(([change, verb]) => [`${kind}.${change}`, is(API_OPERATION, `${verb} ${words}`)]),
  ),
) as Record<ManagedType, LogType>

const OWN_TYPES = {
  'user.signed-up': is('ss', 'Successful signup'),
  'organization.joined': {
    code: ({ details }) => (details['invitation'] === undefined ? 'organization_member_added' : 'si'),
    codes: ['si', 'organization_member_added'],
    description: 'User became a member of an organization',
  },
  'sign-in.failed': {
    // A name that nobody has, a wrong password, or one that could not even be tried.
    code: ({ target, details }) => (details['reason'] !== undefined ? 'f' : target === null ? 'fu' : 'fp'),
    codes: ['f', 'fu', 'fp'],
    description: 'Wrong email or password',
  },
  'sign-in.held': {
    code: ({ details }) => (details['what'] === 'network' ? 'limit_mu' : 'limit_wc'),
    codes: ['limit_mu', 'limit_wc'],
    description: 'Wrong passwords have to wait',
  },
  'sign-in.released': is('ublkdu', 'Wrong passwords need not wait any more'),
  'session.started': is('s', 'Successful login'),
  'session.renewed': is('s', 'Successful login in a session that goes on'),
  'session.ended': is('slo', 'User logged out'),
  'user.signed-out-everywhere': is('slo', 'User logged out everywhere'),
  'sign-up.asked': is('svr', 'Verification email asked for, to make an account'),
  'sign-in-mail.asked': is('cls', 'Code or link to sign in with sent'),
  'password-reset.asked': is('scpr', 'Change password request'),
  'user.password-changed': is('scp', 'Changed password'),
  'user.password-reset': is('scp', 'Changed password'),
  'user.email-verified': is('sv', 'Verified email address'),
  'consent.given': is('consent.given', 'User authorized the client'),
  'consent.refused': is('f', 'User did not authorize the request'),
  'consent.withdrawn': is(API_OPERATION, 'Delete a grant, with all that was given by it'),
  'mail.sent': is('mail.sent', 'Sent a mail'),
  'mail.given-up': is('fn', 'Failed to send a mail'),
  'back-channel-logout.told': is('oidc_backchannel_logout_succeeded', 'Successful back-channel logout'),
  'back-channel-logout.given-up': is('oidc_backchannel_logout_failed', 'Failed back-channel logout'),
  'authorization.given': is('authorization.given', 'Answered an authorization request'),
  'code.redeemed': is('seacft', 'Authorization code for access token'),
  'code.reused': is('feacft', 'Authorization code was used before'),
  'code.proof-failed': is('feacft', 'Authorization code without its proof'),
  'token.refreshed': is('sertft', 'Refresh token for access token'),
  'token.refresh-repeated': is('sertft', 'Refresh token for access token, once more'),
  'token.refresh-reused': is('ferrt', 'Refresh token was used before: it ended, with all that came of it'),
  'token.refresh-revoked': is('srrt', 'Revoked a refresh token'),
  'token.revoked': is(API_OPERATION, 'Revoke an access token'),
  'token.issued': is('seccft', 'Client credentials for access token'),
  'api-key.created': is(API_OPERATION, 'Create an API key'),
  'api-key.revoked': is(API_OPERATION, 'Revoke an API key'),
  'client.authentication-failed': is('feccft', 'Client authentication failed'),
  'client.registered': is(API_OPERATION, 'Register a client dynamically'),
  'client.registration-changed': is(API_OPERATION, 'Update a dynamically registered client'),
  'client.registration-removed': is(API_OPERATION, 'Delete a dynamically registered client'),
  'client.revoked': is(API_OPERATION, 'Revoke all that a client was given'),
  'user.blocked': is(API_OPERATION, 'Block a user'),
  'user.unblocked': is(API_OPERATION, 'Unblock a user'),
  'user.removed': is('sdu', 'User successfully deleted'),
  'key.made': byOperator('key.made', 'Create a key'),
  'key.announced': byOperator('key.announced', 'Announce a key'),
  'key.signing': byOperator('key.signing', 'A key takes over'),
  'key.stood-down': byOperator('key.stood-down', 'A key stands down'),
  'key.retired': byOperator('key.retired', 'A key retires'),
  'key.rotated': byOperator('key.rotated', 'Rotate a key'),
  'key.revoked': byOperator('key.revoked', 'Revoke a key'),
  'users-import.begun': is(API_OPERATION, 'Import users'),
  'users-import.ended': is(API_OPERATION, 'An import of users ended'),
  'users-export.begun': is(API_OPERATION, 'Export users'),
  'users-export.ended': is(API_OPERATION, 'An export of users ended'),
  'users-export.downloaded': is(API_OPERATION, 'Download an export of users'),
  'verification-mail.asked': is(API_OPERATION, 'Send a verification email'),
  'master-key.rewrapped': byOperator('master-key.rewrapped', 'Seal under another master key'),
} as const satisfies Readonly<Record<string, LogType>>

/** Every type of event that there is. */
export type EventType = ManagedType | keyof typeof OWN_TYPES

const LOG_TYPES: ReadonlyMap<string, LogType> = new Map(Object.entries({ ...MANAGED_TYPES, ...OWN_TYPES }))

export const EVENT_TYPES: readonly string[] = [...LOG_TYPES.keys()]

/** An event of a newer version, which writes into the same table, goes by its own name. */
export function logTypeOf(event: EventRecord): { readonly code: string; readonly description: string } {
  const row = LOG_TYPES.get(event.type)
  if (!row) return { code: event.type, description: event.type }
  return { code: typeof row.code === 'string' ? row.code : row.code(event), description: row.description }
}

/** Events that may go by a code that fits; not all of those have to. */
export const eventTypesFor = (fits: (code: string) => boolean): string[] =>
  [...LOG_TYPES].flatMap(([type, { codes }]) => (codes.some(fits) ? [type] : []))

/** Whether every event of the type goes by the same code. */
export const hasOneCode = (type: string): boolean => LOG_TYPES.get(type)?.codes.length === 1
