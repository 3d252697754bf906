/**
 * Parts of Auth0's Management API that are not there. Each answers as for a token that lacks the scope: that is what
 * Auth0's own tools take for "leave it out", where a 404 stops some of them and a 5xx has all of them try again for minutes.
 */
const PARTS = [
  '/actions/actions/:id',
  '/actions/executions',
  '/actions/modules',
  '/actions/triggers',
  '/agents',
  '/attack-protection/captcha',
  '/attack-protection/phone-provider-protection',
  '/branding/phone',
  // Markup that an operator writes, on the page where people enter passwords: pages are ours, their words and looks are not.
  '/branding/templates',
  '/clients/cimd',
  '/connection-profiles',
  '/connections-directory-provisionings',
  '/connections-scim-configurations',
  '/connections/:id/directory-provisioning',
  '/connections/:id/keys',
  '/connections/:id/scim-configuration',
  '/event-streams',
  '/events',
  '/experimentation',
  '/flows',
  '/forms',
  '/groups',
  '/guardian',
  '/hooks',
  '/keys/custom-signing',
  '/keys/encryption',
  '/keys/network-acls',
  '/log-streams',
  '/network-acls',
  '/organization-templates',
  '/organizations/:id/groups',
  '/organizations/:id/members/:user/effective-roles/sources',
  '/organizations/:id/organization-templates',
  '/organizations/:id/roles/:role/groups',
  '/prompts/rendering',
  '/prompts/:prompt/screen',
  '/rate-limit-policies',
  '/risk-assessments',
  '/roles/:id/groups',
  '/rules',
  '/rules-configs',
  '/self-service-profiles',
  '/supplemental-signals',
  '/token-exchange-profiles',
  '/user-attribute-profiles',
  '/users/:id/connected-accounts',
  '/users/:id/effective-roles/sources',
  '/users/:id/federated-connections-tokensets',
  '/users/:id/groups',
  '/users/:id/risk-assessments',
  '/verifiable-credentials',
].map(path => path.slice(1).split('/'))

/** Whether it is called so: then it is nobody's id, and goes before an operation whose path takes anything there. */
export const isNotBuiltByName = (parts: readonly string[]): boolean =>
  PARTS.some(known => known.length === parts.length && known.every((part, at) => part === parts[at]))

/** `parts`: of the path that was asked, decoded. Answers what it belongs to, as it stands above. */
export function notBuiltPart(parts: readonly string[]): string | undefined {
  const part = PARTS.find(
    known => known.length <= parts.length && known.every((name, at) => name.startsWith(':') || name === parts[at]),
  )
  return part && `/${part.join('/')}`
}
