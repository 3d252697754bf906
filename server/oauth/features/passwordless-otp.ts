/**
 * The grant for a code that was mailed to somebody, typed into an application of the operator's own: with the address that
 * it went to (`username`, `otp`, `realm`), or with the challenge that it was mailed for (`auth_session`, `otp`).
 */
import type { Outcome, Whose } from '../../factors/mailed-sign-in.ts'
import { ProtocolError, tooManyAttempts } from '../../kernel/errors.ts'
import { readEmailAddress } from '../../policy/email-address.ts'
import { type ConnectionRecord, EMAIL_STRATEGY } from '../../store/connections.ts'
import type { Asked, Feature, Presented } from '../feature.ts'
import {
  authorizePerson,
  required,
  requireFirstParty,
  requireNoOrganization,
  type TokenRequest,
} from '../proven-person.ts'

interface PresentedCode extends Presented {
  readonly asked: Asked
  readonly code: Extract<Outcome, { state: 'right' }>
}

export const passwordlessOtp: Feature = {
  name: 'passwordless-otp',
  spec: 'Auth0 http://auth0.com/oauth/grant-type/passwordless/otp',
  grant: {
    type: 'http://auth0.com/oauth/grant-type/passwordless/otp',

    async present(request): Promise<PresentedCode> {
      const { services, client, occasion, now } = request
      requireFirstParty(request, 'codes')
      requireNoOrganization(request)
      const code = required(request, 'otp')
      const { whose, connection } = await whoseCode(request)
      const asked = await request.asked()
      const { tryCode } = await services.mailedSignIn()
      const outcome = await tryCode({
        whose,
        code,
        connection,
        client: client.id,
        address: occasion.address ?? '',
        browserHash: null,
        occasion,
      })
      if (outcome.state === 'held') throw tooManyAttempts(outcome.freeAt - now)
      if (outcome.state === 'wrong') throw wrongCode()
      return { request: null, audiences: asked.audiences, asked, code: outcome }
    },

    async redeem(context) {
      const { asked, code } = context.presented as PresentedCode
      const person = await code.enter()
      // Another request came first with it.
      if (!person) throw wrongCode()
      return authorizePerson(context, asked, person)
    },
  },
}

/** Auth0's words. */
const wrongCode = () => new ProtocolError('invalid_grant', 'Wrong email or verification code.')

async function whoseCode(request: TokenRequest): Promise<{ whose: Whose; connection: ConnectionRecord | null }> {
  const { services, tenant, parameters } = request
  const challenge = parameters.get('auth_session')
  if (challenge !== undefined) return { whose: { challenge }, connection: null }
  const name = required(request, 'username')
  const connection = await services.store.connections.findByName(tenant, required(request, 'realm'))
  if (connection?.strategy !== EMAIL_STRATEGY)
    throw new ProtocolError('invalid_request', 'The realm is no connection that mails codes.')
  const email = readEmailAddress(name)
  // What is no address was never mailed to.
  if (email === undefined) throw wrongCode()
  return { whose: { email }, connection }
}
