/**
 * Signed requests: a JWT of the client that holds what it asks, in the request itself or at an address that the client
 * registered. The signature is checked with the client's own keys before anything in it is believed, and then it comes
 * before whatever stands beside it.
 */
import { parseObject } from '@latchkey/sdk/strict-json'
import {
  assertion,
  checkAssertion,
  KeysUnavailableError,
  type SignedToken,
  VerificationError,
} from '@latchkey/sdk/verify'
import { askerFor } from '../../clients/client-keys.ts'
import type { Client } from '../../clients/metadata.ts'
import { REQUEST_OBJECT_ALGORITHMS, type RequestObjectAlgorithm } from '../../clients/request-objects.ts'
import { EgressError } from '../../http/egress.ts'
import { entriesOf, type Parameters, parametersOf } from '../../http/parameters.ts'
import { ProtocolError } from '../../kernel/errors.ts'
import type { Feature, OAuthServices, ReceiveContext } from '../feature.ts'
import { SIGNED_NOTE } from '../request-notes.ts'
import { isPushed } from '../request-uris.ts'

/** As much as is verified. */
const MOST_BYTES = 16 * 1024
const LEEWAY_SECONDS = 30
/** What the JWT says of itself (RFC 7519 §4.1), and no parameter of a request. */
const ABOUT_ITSELF = ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti']
/** What is replaced by the object's content. */
const PLACES = ['request', 'request_uri']

export const requestObject: Feature = {
  name: 'request-object',
  spec: 'RFC 9101, OpenID Connect Core 1.0 §6',
  metadata: () => ({
    request_parameter_supported: true,
    request_uri_parameter_supported: true,
    require_request_uri_registration: true,
    request_object_signing_alg_values_supported: REQUEST_OBJECT_ALGORITHMS,
  }),
  steps: { 'authorize.receive': read },
}

async function read(context: ReceiveContext): Promise<void> {
  const { services, client, sent } = context
  const [byValue, byReference] = [sent.get('request'), sent.get('request_uri')]
  if ((byValue === undefined && byReference === undefined) || isPushed(byReference)) return
  if (byValue !== undefined && byReference !== undefined)
    throw new ProtocolError('invalid_request', 'request and request_uri are sent at once.')
  if (sent.repeated.some(name => name !== 'resource'))
    throw new ProtocolError('invalid_request', 'A parameter is sent more than once.')

  const object = byValue ?? (await fetchObject(services, client, String(byReference)))
  refuseUnsigned(object, context, byValue === undefined)
  const { claims } = await verify(services, context, object)
  context.parameters = merge(context, asParameters(claims))
  context.notes[SIGNED_NOTE] = {}
}

/** OpenID Connect Core §6.2: registered with its fragment, if it has one, and fetched without. No other is ever asked for. */
async function fetchObject({ egress, log }: OAuthServices, client: Client, uri: string): Promise<string> {
  if (!client.requestUris.includes(uri))
    throw new ProtocolError('invalid_request_uri', 'This request_uri is not registered for the client.')
  try {
    const { body } = await egress.get(uri.replace(/#.*$/s, ''), {
      asker: askerFor(client),
      accept: 'application/oauth-authz-req+jwt, application/jwt',
      mostBytes: MOST_BYTES,
    })
    return body.toString('latin1').trim()
  } catch (error) {
    if (!(error instanceof EgressError)) throw error
    log.warn({ tenant: client.tenant, client: client.id, reason: error.reason }, `a request_uri: ${error.message}`)
    throw new ProtocolError('invalid_request_uri', 'The request_uri could not be fetched.')
  }
}

/**
 * Told apart from a bad signature where OpenID Connect asks: there, to know no unsigned requests is to lack a feature
 * (§3.1.2.6). For RFC 9101 §6.2 it is one more object that does not validate.
 */
function refuseUnsigned(object: string, { sent }: ReceiveContext, byReference: boolean): void {
  const header = parseObject(Buffer.from(object.split('.', 1)[0] ?? '', 'base64url'))
  if (header?.['alg'] !== 'none') return
  const told = byReference ? 'request_uri_not_supported' : 'request_not_supported'
  throw new ProtocolError(
    asksOpenId(sent) ? told : 'invalid_request_object',
    'Unsigned request objects are not supported.',
  )
}

async function verify(services: OAuthServices, context: ReceiveContext, object: string): Promise<SignedToken> {
  const { client, incoming } = context
  const { algorithm } = client.requestObject
  const profile = assertion({
    types: ['oauth-authz-req+jwt', 'jwt', undefined],
    issuer: client.id,
    audiences: [incoming.issuer],
    required: [],
    // Another request within, and what tokens and assertions of other kinds say of themselves (RFC 9101 §4, §10.8).
    forbidden: [...PLACES, 'events', 'at_hash', 'c_hash', 'htm', 'client_secret'],
    leewaySeconds: LEEWAY_SECONDS,
  })
  try {
    const signed = await services.clientKeys.verify(client, object, allowedBy(algorithm), client.requestObject.keys)
    const { claims } = checkAssertion(signed, profile, services.clock())
    // §10.8: who is spoken of is nobody here, and in a client assertion it is the client.
    if (claims['sub'] === client.id) throw invalidObject('sub is the client, as in an assertion')
    if (claims['client_id'] !== undefined && claims['client_id'] !== client.id)
      throw invalidObject('client_id is another than the one beside it')
    return signed
  } catch (error) {
    if (error instanceof VerificationError) throw invalidObject(error.message)
    if (error instanceof KeysUnavailableError)
      throw new ProtocolError('temporarily_unavailable', 'The keys of the client cannot be had right now.')
    throw error
  }
}

/** What a client is pinned to, if it is: RFC 9864 §2.2 gave Ed25519 a name of its own, and libraries say either. */
const allowedBy = (pinned: RequestObjectAlgorithm | null): readonly RequestObjectAlgorithm[] => {
  if (pinned === null) return REQUEST_OBJECT_ALGORITHMS
  return /^Ed/.test(pinned) ? ['EdDSA', 'Ed25519'] : [pinned]
}

/** Whatever is JSON and not text is written as it would be in a query: numbers in digits, objects as JSON. */
function asParameters(claims: SignedToken['claims']): Parameters {
  const told = Object.entries(claims).filter(([name, value]) => value !== null && !ABOUT_ITSELF.includes(name))
  return parametersOf(
    told.flatMap(([name, value]): [string, string][] =>
      // RFC 8707 §2: the one that a request may name several times.
      (name === 'resource' ? [value].flat() : [value]).map(one => [
        name,
        typeof one === 'object' ? JSON.stringify(one) : String(one),
      ]),
    ),
  )
}

/**
 * RFC 9101 §6.3: the object is the whole request. OpenID Connect Core §6.1 lets what it does not hold stand beside it,
 * and that is taken of a client that may ask without signing at all: it could have been asked so anyway.
 */
function merge({ client, sent }: ReceiveContext, inside: Parameters): Parameters {
  const own = entriesOf(inside).filter(([name]) => name !== 'client_id')
  if (!asksOpenId(sent) || client.requestObject.isRequired) return parametersOf([...own, ['client_id', client.id]])
  const responseType = sent.get('response_type')
  if (responseType !== undefined && (inside.get('response_type') ?? responseType) !== responseType)
    throw new ProtocolError('invalid_request', 'response_type is another than the one in the request object.')
  const beside = entriesOf(sent).filter(([name]) => !inside.has(name) && !PLACES.includes(name))
  return parametersOf([...own, ...beside.filter(([name]) => name !== 'client_id'), ['client_id', client.id]])
}

/** §6.1: whoever asks for OpenID Connect by an object says so beside it, since it may not be read. */
const asksOpenId = (sent: Parameters): boolean => sent.get('scope')?.split(' ').includes('openid') ?? false

const invalidObject = (why: string): ProtocolError =>
  new ProtocolError('invalid_request_object', `The request object is not acceptable: ${why}.`)
