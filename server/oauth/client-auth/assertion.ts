/**
 * What the two methods share by which a client signs an assertion (RFC 7523 §2.2, OpenID Connect Core §9): how one is
 * found in a request, and what it must say. By which key it is signed is each method's own.
 */
import { parseObject } from '@latchkey/sdk/strict-json'
import {
  type AlgorithmName,
  assertion,
  checkAssertion,
  KeysUnavailableError,
  type SignedToken,
  VerificationError,
} from '@latchkey/sdk/verify'
import type { Client } from '../../clients/metadata.ts'
import { waitOf } from '../../http/rate-limit.ts'
import type { Incoming } from '../../http/route.ts'
import type { Instant } from '../../kernel/clock.ts'
import { ProtocolError } from '../../kernel/errors.ts'
import { HOUR, SECOND } from '../../kernel/seconds.ts'
import { sha256 } from '../../kernel/secrets.ts'
import type { Claimed, ClientAuthMethod, Disproof, Proving } from './client-auth.ts'

/** RFC 7523 §2.2. */
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** Clients make one for each request; one that is good for longer than this is a secret that is lying around. */
const LONGEST = HOUR
const LEEWAY = 30 * SECOND
const REPLAY_KIND = 'client-assertion'

/**
 * The assertion, if it says of itself that it is signed by one of the algorithms: which of the two methods is meant.
 * Whether the client may use that method is asked before anything is verified.
 */
export const findAssertion =
  (algorithms: readonly AlgorithmName[]): ClientAuthMethod['find'] =>
  ({ body }: Incoming): Claimed | undefined => {
    const proof = body.get('client_assertion')
    if (proof === undefined) return undefined
    if (body.get('client_assertion_type') !== ASSERTION_TYPE)
      throw new ProtocolError('invalid_client', `client_assertion_type must be ${ASSERTION_TYPE}.`)
    const [header, claims] = proof.split('.', 2).map(part => parseObject(Buffer.from(part, 'base64url')))
    if (!(algorithms as readonly unknown[]).includes(header?.['alg'])) return undefined
    // RFC 7521 §4.2: client_id is optional, and the subject says the same.
    const clientId = body.get('client_id') ?? claims?.['sub']
    return typeof clientId === 'string' && clientId !== '' ? { clientId, proof } : undefined
  }

/**
 * Judges what `verify` found well signed, and spends it: of any number of parallel uses, on any node, one is good.
 * Throws `too_many_attempts` for a client that makes more of them than may be remembered; none is good unremembered.
 */
export async function disproveAssertion(
  { services, incoming, client, proof, now }: Proving,
  method: readonly AlgorithmName[],
  verify: (proof: string, algorithms: readonly AlgorithmName[]) => Promise<SignedToken>,
): Promise<Disproof | null> {
  const algorithms = method.filter(
    name =>
      (client.assertion.algorithm === null || client.assertion.algorithm === name) &&
      // FAPI 2.0 Security Profile §5.4.1 leaves RSASSA-PKCS1-v1_5 out.
      (client.assertion.audience !== 'issuer' || !name.startsWith('RS')),
  )
  if (algorithms.length === 0) return 'algorithm_not_allowed'
  try {
    const { claims } = checkAssertion(await verify(proof, algorithms), profileFor(incoming, client), now)
    const expiresAt = Math.ceil((claims['exp'] as number) * SECOND) + LEEWAY
    // The name is the client's choice, of any length and any characters.
    const name = sha256(JSON.stringify([client.id, claims['jti']]))
    const spent = spendingOf(services, client, now)
    const seen = await services.store.tickets.mark(client.tenant, REPLAY_KIND, name, now, expiresAt + SECOND)
    if (seen !== 'first') return 'replayed'
    spent()
    return null
  } catch (error) {
    if (error instanceof VerificationError) return error.code
    if (error instanceof KeysUnavailableError) return 'keys_unavailable'
    throw error
  }
}

/**
 * Whoever registered themselves fills a table here by signing. Counted once it is well signed and for the first time,
 * so that neither forged nor overheard assertions take anything from their client.
 */
function spendingOf({ strangerAssertions }: Proving['services'], client: Client, now: Instant): () => void {
  if (client.isFirstParty) return () => {}
  const key = `${client.tenant} ${client.id}`
  const wait = waitOf(strangerAssertions.freeAt(key, now), now)
  if (wait !== undefined)
    throw new ProtocolError(
      'too_many_attempts',
      'This client sends more assertions than it may. Send the next later.',
      {
        'retry-after': String(Math.ceil(wait / SECOND)),
      },
    )
  return () => void strangerAssertions.take(key, now)
}

/**
 * RFC 7523 §3. The issuer identifies us; the token endpoint does by OpenID Connect Core §9, and so does the endpoint
 * that is called by what clients in use send to it (RFC 9126 §2 asks to take all three). For FAPI 2.0 (§5.3.2.1) only
 * the issuer will do, as one text: an assertion made for an endpoint of somebody else's choice is then good nowhere.
 */
function profileFor({ issuer, route }: Incoming, client: Proving['client']) {
  const isStrict = client.assertion.audience === 'issuer'
  return assertion({
    types: ['jwt', 'client-authentication+jwt', undefined],
    issuer: client.id,
    subject: client.id,
    audiences: isStrict ? [issuer] : [issuer, `${issuer}oauth/token`, `${issuer}${route.slice(1)}`],
    audienceIsText: isStrict,
    required: ['iss', 'sub', 'aud', 'exp', 'jti'],
    // Of a request object, a logout token and an ID token, which must not serve as an assertion as well.
    forbidden: ['response_type', 'events', 'nonce'],
    longestSeconds: LONGEST / SECOND,
    leewaySeconds: LEEWAY / SECOND,
  })
}
