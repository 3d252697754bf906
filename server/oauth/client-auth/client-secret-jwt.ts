/**
 * The client signs with its secret instead of sending it. This is the one place that opens the secret to check
 * anything: a digest of it, as the other methods compare, verifies no signature.
 */
import { type AlgorithmName, allowAlgorithms, importSecret, verifySignature } from '@latchkey/sdk/verify'
import { disproveAssertion, findAssertion } from './assertion.ts'
import type { ClientAuthMethod } from './client-auth.ts'

const ALGORITHMS: readonly AlgorithmName[] = ['HS256']

export const clientSecretJwt: ClientAuthMethod = {
  name: 'client_secret_jwt',
  spec: 'RFC 7523 §2.2, OpenID Connect Core §9',
  algorithms: ALGORITHMS,
  find: findAssertion(ALGORITHMS),
  async disprove(proving) {
    const { services, client } = proving
    if (client.authentication !== 'client_secret_jwt') return 'method'
    const secret = await services.clients.secretOf(client.tenant, client.id)
    if (secret === null) return 'secret'
    const key = await importSecret(Buffer.from(secret), { alg: 'HS256', issuer: client.id }).catch((error: unknown) => {
      if (error instanceof TypeError) return null
      throw error
    })
    // RFC 7518 §3.2: one that can be guessed from a signature is not taken, however it was agreed on.
    if (!key) return 'weak_secret'
    return disproveAssertion(proving, ALGORITHMS, (proof, algorithms) =>
      verifySignature(proof, async () => key, allowAlgorithms(algorithms)),
    )
  },
}
