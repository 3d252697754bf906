/**
 * Pushed requests: a client sends what it asks directly, proving who it is, and the browser carries only a name for it.
 * A pushed request is looked at when the browser comes, which may be more than once before the person is done, and spent
 * in the transaction that answers it, whichever way led there. Past that its name is worth nothing.
 */
import { occasionOf } from '../../audit/events.ts'
import { isPublic } from '../../clients/metadata.ts'
import { entriesOf, parametersOf } from '../../http/parameters.ts'
import { waitOf } from '../../http/rate-limit.ts'
import { type Answer, type Incoming, json } from '../../http/route.ts'
import { PageError, ProtocolError, tooManyAttempts } from '../../kernel/errors.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { networkOf } from '../../kernel/network-of.ts'
import { SECOND } from '../../kernel/seconds.ts'
import { randomSecret, sha256 } from '../../kernel/secrets.ts'
import { INTERACTION_LIFE, POSTED_LIFE, PUSHED_LIFE } from '../../policy/lifetimes.ts'
import { chooseMode, proveRedirectUri, receive, understand } from '../authorization-request.ts'
import { authenticateClient } from '../client-auth/authenticate.ts'
import { refuseRepetition } from '../client-requests.ts'
import type { Feature, OAuthServices, ReceiveContext } from '../feature.ts'
import { PUSHED_NOTE } from '../request-notes.ts'
import { isPushed, PUSHED_PREFIX } from '../request-uris.ts'

const PUSHED_TICKET = 'pushed-request'
/** Outlives the request, which is kept short: an answer may come an hour after the browser did. */
const SPENT_MARK = 'pushed-request-spent'
/** In characters, names and values together: far above what clients ask, and anybody may push in the name of a public one, or of one they registered. */
const LONGEST_REQUEST = 16 * 1024
/** What proves who the client is says nothing of the request, and is not kept. */
const PROOFS = ['client_secret', 'client_assertion', 'client_assertion_type']

interface PushedData extends JsonObject {
  readonly client: string
  readonly parameters: readonly (readonly [string, string])[]
  /** What other features noted of how it came. */
  readonly notes: Readonly<Record<string, JsonObject>>
}

export const par: Feature = {
  name: 'par',
  spec: 'RFC 9126',
  metadata: issuer => ({ pushed_authorization_request_endpoint: `${issuer}oauth/par` }),
  routes: (services, features) => [
    {
      method: 'POST',
      path: '/oauth/par',
      cors: 'open',
      speaks: 'json',
      answer: incoming => push(services, features, incoming),
    },
  ],
  steps: {
    'authorize.receive': find,

    'authorize.respond': async ({ request, tenant, transaction, now }) => {
      const id = request.notes[PUSHED_NOTE]?.['id']
      if (typeof id !== 'string') return
      const life = PUSHED_LIFE + POSTED_LIFE + INTERACTION_LIFE
      if ((await transaction.tickets.mark(tenant, SPENT_MARK, id, now, now + life)) === 'seen') throw over()
    },
  },
}

/** RFC 9126 §4: what was pushed is the whole request, whatever stands beside its name. */
async function find(context: ReceiveContext): Promise<void> {
  const { services, incoming, client, sent } = context
  const uri = sent.get('request_uri')
  if (!isPushed(uri)) return
  if (sent.repeated.includes('request_uri'))
    throw new PageError('malformed_request', 'The request names several request_uri.')
  const id = sha256(uri.slice(PUSHED_PREFIX.length))
  const { tickets } = services.store
  const now = services.clock()
  const pushed = await tickets.peek<PushedData>(incoming.tenant, PUSHED_TICKET, id, now)
  // The same for one that never was, is over, was answered, or is another client's.
  if (!pushed || pushed.data.client !== client.id) throw over()
  if (await tickets.peek(incoming.tenant, SPENT_MARK, id, now)) throw over()
  context.parameters = parametersOf(pushed.data.parameters)
  Object.assign(context.notes, pushed.data.notes, { [PUSHED_NOTE]: { id } })
}

/** Told to the person: nothing beside the name says where else it could be told. */
const over = (): PageError =>
  new PageError('start_again', 'The pushed request is unknown here, was answered, or its time has passed.')

/** RFC 9126 §2: everything is checked that would be at `/authorize`, and told as JSON. */
async function push(services: OAuthServices, features: readonly Feature[], incoming: Incoming): Promise<Answer> {
  const { body, tenant } = incoming
  refuseRepetition(incoming)
  const now = services.clock()
  const client = await authenticateClient(services, incoming, occasionOf(incoming, now))
  // §2.1: a pushed request is not pushed by its name.
  if (body.has('request_uri'))
    throw new ProtocolError('invalid_request', 'request_uri has no meaning in a pushed request.')

  const sent = parametersOf([
    ...entriesOf(body).filter(([name]) => name !== 'client_id' && !PROOFS.includes(name)),
    ['client_id', client.id],
  ])
  const id = randomSecret()
  const received = await receive(services, features, {
    incoming,
    client,
    sent,
    notes: { [PUSHED_NOTE]: { id: sha256(id) } },
  })
  const { parameters, notes } = received
  await understand(services, features, received, placeOf(received))

  const entries = entriesOf(parameters)
  if (entries.flat().join('').length > LONGEST_REQUEST)
    throw new ProtocolError('invalid_request', `The request is longer than ${LONGEST_REQUEST} characters.`)
  // Whoever has no secret is anybody; and so is, where strangers register, whoever the operator does not vouch for.
  if (isPublic(client) || !client.isFirstParty) {
    const wait = waitOf(services.waitingRequests.take(`${tenant} ${networkOf(incoming.address)}`, now), now)
    if (wait !== undefined) throw tooManyAttempts(wait)
  }
  const data: PushedData = { client: client.id, parameters: entries, notes }
  const times = { createdAt: now, expiresAt: now + PUSHED_LIFE }
  await services.store.tickets.issue({ tenant, id: sha256(id), kind: PUSHED_TICKET, data, ...times })
  return json(201, { request_uri: `${PUSHED_PREFIX}${id}`, expires_in: PUSHED_LIFE / SECOND })
}

/** Where the answer will go. What a person would be shown at `/authorize` is told to the program here. */
function placeOf({ client, parameters }: ReceiveContext) {
  try {
    const mode = chooseMode(client, parameters)
    return { mode, redirectUri: proveRedirectUri(client, parameters, mode) }
  } catch (error) {
    if (!(error instanceof PageError)) throw error
    throw new ProtocolError('invalid_request', 'The redirect_uri is missing, or not among the callbacks of the client.')
  }
}
