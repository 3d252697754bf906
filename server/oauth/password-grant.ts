/**
 * The grant of those who take a person's password themselves: an application that no browser reaches, of the
 * operator's own. What it is given hangs on no session. Its two names are two features; `realm` says with either in
 * which connection the account is, since Auth0's SDKs send it with either.
 */
import { databaseFor, defaultDirectoryFor } from '../identity/directories.ts'
import { ProtocolError, tooManyAttempts } from '../kernel/errors.ts'
import type { ConnectionRecord } from '../store/connections.ts'
import { chooseLanguage } from '../words/languages.ts'
import type { Asked, Grant, Presented } from './feature.ts'
import {
  authorizePerson,
  type ProvenPerson,
  passGate,
  required,
  requireFirstParty,
  requireNoOrganization,
  type TokenRequest,
} from './proven-person.ts'

interface PresentedPassword extends Presented {
  readonly asked: Asked
  readonly person: ProvenPerson
}

export const passwordGrant = (type: string): Grant => ({
  type,

  /** Everything that costs nothing comes first: a request that is refused anyway has tried no password. */
  async present(request): Promise<PresentedPassword> {
    const { services, client, occasion, now } = request
    requireFirstParty(request, 'passwords')
    requireNoOrganization(request)
    const name = required(request, 'username')
    const password = required(request, 'password')
    const asked = await request.asked()
    const connection = await findConnection(request)

    const outcome = await services.signInWithPassword({
      connection,
      name,
      password,
      client: client.id,
      address: occasion.address ?? '',
      browserHash: null,
      correspondence: { issuer: request.issuer, language: chooseLanguage({}) },
      occasion,
    })
    if (outcome.state === 'busy')
      throw new ProtocolError('temporarily_unavailable', 'The server is busy with passwords. Ask again in a moment.', {
        'retry-after': '1',
      })
    if (outcome.state === 'held') throw tooManyAttempts(outcome.freeAt - now)
    // Auth0's words, which its SDKs match on.
    if (outcome.state === 'wrong') throw new ProtocolError('invalid_grant', 'Wrong email or password.')
    const person = { user: outcome.user, proof: outcome.proof, connection }
    passGate(request, person)
    return { request: null, audiences: asked.audiences, asked, person }
  },

  redeem(context) {
    const { asked, person } = context.presented as PresentedPassword
    return authorizePerson(context, asked, person)
  },
})

/** Among those that the client has: of a realm it has not, it learns no more than of one that is not there. */
async function findConnection({ services: { store }, client, parameters }: TokenRequest): Promise<ConnectionRecord> {
  const realm = parameters.get('realm')
  const connection =
    realm === undefined ? await defaultDirectoryFor(store, client) : await databaseFor(store, client, { name: realm })
  if (connection) return connection
  throw new ProtocolError(
    'invalid_request',
    realm === undefined
      ? 'No connection that has passwords is enabled for the client.'
      : 'The realm is no connection that has passwords and is enabled for the client.',
  )
}
