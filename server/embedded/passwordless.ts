/**
 * `/passwordless/start`, `/passwordless/verify` and `/otp/challenge`: signing in by what is mailed. Anybody may ask for a
 * mail to any address, a page or a program, so what bounds it is how much may go there; a client's secret that comes with
 * it is not looked at. What the mail brings is used elsewhere: at `/co/authenticate`, at `/oauth/token`, or by its link.
 */
import { occasionOf } from '../audit/events.ts'
import type { Client } from '../clients/metadata.ts'
import type { Wish } from '../factors/mailed-sign-in.ts'
import { languageHere } from '../http/language.ts'
import { type Answer, type Incoming, json } from '../http/route.ts'
import { browserHashOf } from '../identity/browsers.ts'
import { serves } from '../identity/connections.ts'
import { isObject, type JsonObject } from '../kernel/json.ts'
import { MINUTE } from '../kernel/seconds.ts'
import { readEmailAddress } from '../policy/email-address.ts'
import { type ConnectionRecord, EMAIL_STRATEGY } from '../store/connections.ts'
import { callerOf, databaseFor } from './caller.ts'
import { held, Refused } from './refused.ts'
import { type Sent, sentIn } from './sent.ts'
import type { EmbeddedServices } from './services.ts'

/** Of a request that a link completes, in characters: what an address line takes. */
const LONGEST_REQUEST = 4096

export async function startPasswordless(services: EmbeddedServices, incoming: Incoming): Promise<Answer> {
  const sent = sentIn(incoming)
  const client = await callerOf(services, incoming, sent)
  const connection = await mailingConnection(services, client, sent, 'bad.connection')
  const wish = wishIn(services, incoming, client, connection, sent)
  const send = sent.text('send') ?? 'link'
  if (send !== 'code' && send !== 'link') throw new Refused(400, 'bad.send', 'send must be code or link.')
  const mailedSignIn = await services.mailedSignIn()
  const outcome =
    send === 'code'
      ? await mailedSignIn.sendCode(wish)
      : await mailedSignIn.sendLink({ ...wish, request: requestIn(sent) })
  if (outcome === 'held') throw tooMuchMail()
  return json(200, { email: wish.email })
}

/** Asked before the page goes on to `/passwordless/verify_redirect`, with the same code: it is not spent, but counted. */
export async function verifyPasswordless(services: EmbeddedServices, incoming: Incoming): Promise<Answer> {
  const sent = sentIn(incoming)
  const client = await callerOf(services, incoming, sent)
  const connection = await mailingConnection(services, client, sent, 'bad.connection')
  const occasion = occasionOf(incoming, services.clock())
  const { tryCode } = await services.mailedSignIn()
  const outcome = await tryCode({
    whose: { email: addressIn(sent) },
    code: sent.required('verification_code'),
    connection,
    client: client.id,
    address: incoming.address,
    browserHash: browserHashOf(incoming),
    occasion,
  })
  if (outcome.state === 'held') throw held(outcome.freeAt - occasion.at)
  if (outcome.state === 'wrong') throw new Refused(403, 'invalid_user_password', 'Wrong email or verification code.')
  return json(200, {})
}

/** A code for an account in a database, where its option `authentication_methods.email_otp` lets people sign in so. */
export async function challengeCode(services: EmbeddedServices, incoming: Incoming): Promise<Answer> {
  const sent = sentIn(incoming)
  const client = await callerOf(services, incoming, sent)
  refuseTelephones(sent, 'invalid_request')
  const connection = await databaseFor(services, client, sent.required('connection'))
  if (!takesCodes(connection))
    throw new Refused(403, 'unauthorized_client', 'The connection is not set to authentication_methods.email_otp.')
  const wish = wishIn(services, incoming, client, connection, sent)
  const mayMakeAccount = wish.mayMakeAccount && sent.flag('allow_signup')
  const { challenge } = await services.mailedSignIn()
  const outcome = await challenge({ ...wish, mayMakeAccount })
  if (outcome === 'held') throw tooMuchMail()
  return json(200, { auth_session: outcome.challenge })
}

function wishIn(
  { clock }: EmbeddedServices,
  incoming: Incoming,
  client: Client,
  connection: ConnectionRecord,
  sent: Sent,
): Wish {
  return {
    connection,
    client: client.id,
    email: addressIn(sent),
    mayMakeAccount: connection.options['disable_signup'] !== true,
    issuer: incoming.issuer,
    language: languageHere(incoming, incoming.header('x-request-language') ?? null),
    occasion: occasionOf(incoming, clock()),
  }
}

/** The connection of that name that mails codes and links, if it serves the client. */
export async function mailingConnection(
  { store }: Pick<EmbeddedServices, 'store'>,
  client: Client,
  sent: Sent,
  code: string,
  name: 'connection' | 'realm' = 'connection',
): Promise<ConnectionRecord> {
  refuseTelephones(sent, code)
  const connection = await store.connections.findByName(client.tenant, sent.required(name))
  if (connection?.strategy !== EMAIL_STRATEGY || !serves(connection, client))
    throw new Refused(400, code, 'The connection does not exist, or mails nothing for this client.')
  return connection
}

function refuseTelephones(sent: Sent, code: string): void {
  if (sent.text('connection') === 'sms' || sent.text('realm') === 'sms' || sent.text('phone_number') !== undefined)
    throw new Refused(400, code, 'This server sends nothing to telephones. Use a connection that mails.')
}

function addressIn(sent: Sent): string {
  const email = readEmailAddress(sent.required('email'))
  if (email === undefined) throw new Refused(400, 'bad.email', 'email is not an e-mail address.')
  return email
}

const takesCodes = ({ options }: ConnectionRecord): boolean =>
  isEnabled(memberOf(options, 'authentication_methods'), 'email_otp')

const isEnabled = (methods: JsonObject, name: string): boolean => memberOf(methods, name)['enabled'] === true

function memberOf(document: JsonObject, name: string): JsonObject {
  const member = document[name]
  return isObject(member) ? member : {}
}

/** What the client wants at `/authorize` when the link is opened: looked at there, as all that it sends. */
function requestIn(sent: Sent): string {
  const request = new URLSearchParams()
  for (const [name, value] of Object.entries(sent.object('authParams') ?? {})) {
    if (value === null || value === undefined || name === 'client_id' || name === 'login_ticket') continue
    if (typeof value !== 'string' && typeof value !== 'number')
      throw new Refused(400, 'invalid_request', 'authParams must have strings.')
    request.set(name, String(value))
  }
  const text = request.toString()
  if (text.length > LONGEST_REQUEST) throw new Refused(400, 'invalid_request', 'authParams is too long.')
  return text
}

/** Of whatever address, and whether there is an account or not. */
const tooMuchMail = () =>
  new Refused(429, 'too_many_requests', 'Mail went to this address a moment ago. Wait a minute.', { wait: MINUTE })
