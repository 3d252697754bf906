/** The keys of an API whose tokens are encrypted to it, as the route file names them, made ready to open tokens with. */
import { type DecryptionKey, decryptionKeySet, importDecryptionKey, type JWK } from '@latchkey/sdk/verify'
import { OperatorError } from '../../kernel/errors.ts'
import type { KeyFile } from '../plan.ts'
import { readPrivateKey } from '../private-key.ts'

type Name = DecryptionKey['alg']

/** For a key that does not say which it is for: what fits its type. Which of them a token uses is not the token's to widen. */
const OF_TYPE: Readonly<Record<string, readonly Name[]>> = {
  rsa: ['RSA-OAEP-256', 'RSA-OAEP-384', 'RSA-OAEP-512'],
  ec: ['ECDH-ES', 'ECDH-ES+A256KW'],
}

/** @throws OperatorError with a sentence that names the file, for a key that opens nothing, or two that open the same. */
export async function importDecryptionKeys(files: readonly KeyFile[]): Promise<readonly DecryptionKey[]> {
  if (files.length === 0) return []
  const keys = (await Promise.all(files.map(importFile))).flat()
  try {
    return decryptionKeySet(keys)
  } catch {
    throw new OperatorError('Of decryption_keys two have the same kid, or none: give each a kid of its own.')
  }
}

async function importFile({ kid, text, file }: KeyFile): Promise<readonly DecryptionKey[]> {
  const read = readPrivateKey(text)
  if (typeof read === 'string') throw new OperatorError(`The file ${file} ${read}`)
  const jwk = read.key.export({ format: 'jwk' }) as JWK
  const algorithms = saidBy(text) ?? OF_TYPE[read.key.asymmetricKeyType ?? '']
  if (!algorithms) throw new OperatorError(`The key in ${file} must be RSA or on an elliptic curve of NIST.`)
  const name = kid ?? read.kid
  try {
    return await Promise.all(
      algorithms.map(alg => importDecryptionKey(jwk, { alg, ...(name !== null && { kid: name }) })),
    )
  } catch (error) {
    if (error instanceof TypeError)
      throw new OperatorError(`The file ${file} holds no decryption key: ${error.message}.`)
    throw error
  }
}

/** A JWK may name its one algorithm. */
function saidBy(text: string): readonly Name[] | undefined {
  if (!text.trimStart().startsWith('{')) return undefined
  const { alg } = JSON.parse(text) as { readonly alg?: unknown }
  return typeof alg === 'string' ? [alg as Name] : undefined
}
