/**
 * What an Auth0 tenant has and a tenant here has not: the sections of an export, and the parts of its attack protection,
 * that nothing is done with. Each that says anything is warned of once, with what that means for whoever signs in.
 */
import type { Findings } from '../config/findings.ts'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'

const NO_CODE =
  'code of your own is not run. Whoever it would turn away is let in, and claims that it would add are missing: `claims` of a client or an API adds them.'
const NO_FACTORS = 'nobody is asked for a second factor: whoever has the password is signed in.'
const NO_TEXTS = 'nothing is sent to telephones; codes come by mail.'
const NO_FORMS = 'nobody is shown a form of yours on the way in.'
const NO_STREAMS = 'events are not sent on. `/api/v2/logs` has them.'
const NO_ENTERPRISE = 'nobody signs in by a provider of another company, and so none is set up.'
const NO_RISK = 'no sign-in is held up for where or how it comes, but by the limits of guessing.'

/** Why, by the section that it is said of. */
const SECTIONS: Readonly<Record<string, string>> = {
  actions: NO_CODE,
  actionModules: NO_CODE,
  triggers: 'actions are not run.',
  rules: NO_CODE,
  rulesConfigs: 'rules are not run.',
  hooks: NO_CODE,
  guardianFactors: NO_FACTORS,
  guardianFactorProviders: NO_FACTORS,
  guardianFactorTemplates: NO_FACTORS,
  guardianPolicies: NO_FACTORS,
  guardianPhoneFactorMessageTypes: NO_FACTORS,
  guardianPhoneFactorSelectedProvider: NO_FACTORS,
  phoneProviders: NO_TEXTS,
  phoneTemplates: NO_TEXTS,
  forms: NO_FORMS,
  flows: NO_FORMS,
  flowVaultConnections: NO_FORMS,
  logStreams: NO_STREAMS,
  eventStreams: NO_STREAMS,
  selfServiceProfiles: NO_ENTERPRISE,
  connectionProfiles: NO_ENTERPRISE,
  userAttributeProfiles: NO_ENTERPRISE,
  networkACLs: 'no address is shut out by it. Shut it out before the server.',
  tokenExchangeProfiles: 'tokens of others are not exchanged, and a client that asks for that is refused.',
  supplementalSignals: NO_RISK,
  riskAssessment: NO_RISK,
  rateLimitPolicies: 'limits are the same for every client.',
  exclude: 'it tells auth0-deploy-cli what to leave alone; here whatever the file names is applied.',
  include: 'it tells auth0-deploy-cli what to take; here whatever the file names is applied.',
}

const PROTECTION: Readonly<Record<string, string>> = {
  botDetection: 'nobody is asked to prove that they are no machine.',
  captcha: 'nobody is asked to prove that they are no machine.',
  breachedPasswordDetection: 'of passwords that others have lost only the commonest are refused, and nobody is told.',
}

/** What an export holds of things that the tenant does not have: an empty list, or a list of what is switched off. */
export function isNothing(given: JsonValue | undefined): boolean {
  if (given === undefined || given === null || given === false || given === '') return true
  if (Array.isArray(given)) return given.every(isNothing)
  if (!isObject(given)) return false
  const { settings } = given
  const isOff = given['enabled'] === false || (isObject(settings) && settings['enabled'] === false)
  return isOff || Object.values(given).every(isNothing)
}

/** `known` are the sections that something is done with. */
export function tellSections(document: JsonObject, known: readonly string[], findings: Findings): void {
  for (const [section, given] of Object.entries(document)) {
    if (known.includes(section) || isNothing(given)) continue
    const why = Object.hasOwn(SECTIONS, section) ? SECTIONS[section] : undefined
    if (why === undefined) findings.unused('the file', [], section)
    else findings.warn([section], `"${section}" has no effect: ${why}`)
  }
}

/** `isDefault` of a part: whether it says what an export says where nobody has said anything. */
export function tellProtection(
  given: JsonObject,
  known: readonly string[],
  isDefault: (part: string, said: JsonValue) => boolean,
  findings: Findings,
): void {
  for (const [part, said] of Object.entries(given)) {
    if (known.includes(part) || said === undefined || isNothing(said) || isDefault(part, said)) continue
    const why = Object.hasOwn(PROTECTION, part) ? PROTECTION[part] : undefined
    if (why === undefined) findings.unused('attackProtection', ['attackProtection'], part)
    else findings.warn(['attackProtection', part], `"${part}" has no effect: ${why}`)
  }
}
