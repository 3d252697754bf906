/**
 * Credentials of a client: public keys and certificates that stand beside its metadata, which names them by their ids where
 * they are to be used. Nothing here is a secret.
 */
import { createHash, createPublicKey, X509Certificate } from 'node:crypto'
import { newId } from '../kernel/ids.ts'
import { isObject, type JsonObject } from '../kernel/json.ts'
import { overCredentials } from './placed-credentials.ts'
import { credentialsFault } from './public-keys.ts'

/** Auth0 keeps fewer; a client has a key going and a key coming for each of a few uses. */
export const MOST_CREDENTIALS = 20

export const CREDENTIAL_TYPES = ['public_key', 'x509_cert', 'cert_subject_dn'] as const

/** What somebody wants to register, as far as it is of a form that has these members. */
export interface NewCredential {
  readonly credential_type?: string | undefined
  readonly name?: string | undefined
  readonly pem?: string | undefined
  readonly alg?: string | undefined
  readonly kid?: string | undefined
  readonly subject_dn?: string | undefined
  readonly expires_at?: string | undefined
  readonly parse_expiry_from_cert?: boolean | undefined
}

/** A caller's fault, as a sentence. */
export class CredentialFault extends Error {
  override readonly name = 'CredentialFault'
}

/** The form in which it is kept. Throws `CredentialFault`. */
export function newCredential(given: NewCredential, now: number): JsonObject {
  const type = given.credential_type ?? 'public_key'
  const fault = credentialsFault([given as JsonObject], 'the credential')
  if (fault !== undefined) throw new CredentialFault(fault)
  const at = new Date(now).toISOString()
  const common = {
    id: newId('cred'),
    ...(given.name !== undefined && { name: given.name }),
    credential_type: type,
    created_at: at,
    updated_at: at,
  }
  if (type === 'public_key') return { ...common, ...publicKey(given) }
  if (type === 'x509_cert') return { ...common, ...certificate(given) }
  if (type === 'cert_subject_dn') return { ...common, ...subject(given) }
  throw new CredentialFault(`credential_type must be one of ${CREDENTIAL_TYPES.join(', ')}.`)
}

function publicKey({ pem, alg, kid, expires_at: expiresAt, parse_expiry_from_cert: fromCertificate }: NewCredential) {
  if (pem === undefined) throw new CredentialFault('pem is missing.')
  const key = createPublicKey(pem)
  const parsed = fromCertificate ? readCertificate(pem) : undefined
  const ends = expiresAt ?? parsed?.validTo
  return {
    pem,
    // Of an RSA key Auth0's usual one; of others what they can be used by is one thing.
    ...(alg !== undefined ? { alg } : key.asymmetricKeyType === 'rsa' && { alg: 'RS256' }),
    kid:
      kid ??
      createHash('sha256')
        .update(key.export({ type: 'spki', format: 'der' }))
        .digest('base64url'),
    ...(ends !== undefined && { expires_at: new Date(ends).toISOString() }),
  }
}

function certificate({ pem }: NewCredential) {
  if (pem === undefined) throw new CredentialFault('pem is missing.')
  const read = readCertificate(pem)
  return {
    pem,
    thumbprint_sha256: createHash('sha256').update(read.raw).digest('base64url'),
    expires_at: new Date(read.validTo).toISOString(),
  }
}

function subject({ pem, subject_dn: named }: NewCredential) {
  if ((pem === undefined) === (named === undefined))
    throw new CredentialFault('one of subject_dn and pem has to be there, and not both.')
  // OpenSSL's lines, from the outside in, as RFC 4514 writes a name: from the inside out.
  const subjectDn =
    named ??
    readCertificate(pem ?? '')
      .subject.split('\n')
      .toReversed()
      .join(',')
  return { subject_dn: subjectDn }
}

function readCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch {
    throw new CredentialFault('pem is not a certificate.')
  }
}

/** As it is told: without the key itself, which whoever registered it has. */
export const credentialToWire = ({ pem: _pem, ...told }: JsonObject): JsonObject => told

/**
 * What metadata brings of new credentials is put beside it, and named by id in its place; an id has to be one of those
 * there are. Throws `CredentialFault`.
 */
export function settleCredentials(
  metadata: JsonObject,
  credentials: readonly JsonObject[],
  now: number,
): { readonly metadata: JsonObject; readonly credentials: readonly JsonObject[] } {
  const all = [...credentials]
  const settled = overCredentials(metadata, list =>
    list.map(one => {
      if (!isObject(one)) throw new CredentialFault('credentials must be a list of mappings.')
      if (typeof one['id'] === 'string' && one['pem'] === undefined) {
        if (!all.some(({ id }) => id === one['id']))
          throw new CredentialFault(`the client has no credential ${one['id']}.`)
        return { id: one['id'] }
      }
      const made = newCredential(one as NewCredential, now)
      all.push(made)
      return { id: made['id'] }
    }),
  )
  if (all.length > MOST_CREDENTIALS)
    throw new CredentialFault(`a client may have ${MOST_CREDENTIALS} credentials at most.`)
  return { metadata: settled, credentials: all }
}

/** The metadata without the credential of that id. */
export const withoutCredential = (metadata: JsonObject, id: string): JsonObject =>
  overCredentials(metadata, list => list.filter(one => !isObject(one) || one['id'] !== id))
