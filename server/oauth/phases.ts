/**
 * Runs a phase: every feature's step, and if several object, the one error that a fixed table puts first. So the
 * answer does not depend on the order of the list, nor tell a stranger how far they got.
 */
import { ProtocolError, type ProtocolErrorCode } from '../kernel/errors.ts'
import type { Feature, Phase, Steps } from './feature.ts'

/** What the client has to mend first comes first. */
const PRECEDENCE: readonly ProtocolErrorCode[] = [
  'server_error',
  'temporarily_unavailable',
  'invalid_request',
  'unauthorized_client',
  'unsupported_response_type',
  'invalid_request_uri',
  'invalid_request_object',
  'request_not_supported',
  'request_uri_not_supported',
  'registration_not_supported',
  'invalid_target',
  'invalid_scope',
  'invalid_grant',
  'access_denied',
]

const rank = (error: ProtocolError): number => {
  const place = PRECEDENCE.indexOf(error.code)
  return place < 0 ? PRECEDENCE.length : place
}

export async function runPhase<P extends Phase>(
  phase: P,
  features: readonly Feature[],
  context: Parameters<NonNullable<Steps[P]>>[0],
): Promise<void> {
  const objections: { error: ProtocolError; feature: string }[] = []
  for (const feature of features) {
    const step = feature.steps?.[phase] as ((context: unknown) => Promise<void> | void) | undefined
    // Most features have no part in most phases, and waiting for nothing takes a turn as well.
    if (!step) continue
    try {
      await step(context)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      objections.push({ error, feature: feature.name })
    }
  }
  objections.sort((one, other) => rank(one.error) - rank(other.error) || (one.feature < other.feature ? -1 : 1))
  if (objections[0]) throw objections[0].error
}
