/** Requests that a client sends itself: to the token endpoint and those beside it. */
import type { Incoming } from '../http/route.ts'
import { ProtocolError } from '../kernel/errors.ts'

/** RFC 6749 §3.2; parameters in the query would be in every log on the way. */
export function refuseRepetition({ body, query }: Incoming): void {
  if (body.repeated.some(name => name !== 'resource'))
    throw new ProtocolError('invalid_request', 'A parameter is sent more than once.')
  if (query.names.length > 0) throw new ProtocolError('invalid_request', 'Parameters belong in the body.')
}
