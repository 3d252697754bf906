/** The base64 of `crypt(3)`: its own alphabet, least significant bits first. */

export const CRYPT_ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

export function encodeCrypt(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 3) {
    const three = bytes.subarray(at, at + 3)
    const value = three.reduce((sum, byte, place) => sum + (byte << (8 * place)), 0)
    for (let place = 0; place <= three.length; place++) text += CRYPT_ALPHABET[(value >> (6 * place)) & 63]
  }
  return text
}
