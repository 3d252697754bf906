/** What certificates are written with, as DER: the pieces that more than one kind of certificate has. There is no parser. */
import type { KeyObject } from 'node:crypto'
import type { Instant } from '../kernel/clock.ts'

const COMMON_NAME = '550403'

/** A tag, a length in as many bytes as it takes, and the content (X.690 §8.1). */
export function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents)
  const { length } = content
  const size =
    length < 0x80
      ? [length]
      : length < 0x100
        ? [0x81, length]
        : length < 0x10000
          ? [0x82, length >> 8, length & 0xff]
          : [0x83, length >> 16, (length >> 8) & 0xff, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

export const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, ...parts)
export const objectId = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'))
export const integer = (bytes: Buffer): Buffer => der(0x02, bytes)
export const bits = (content: Buffer): Buffer => der(0x03, content)
export const octets = (content: Buffer): Buffer => der(0x04, content)
export const yes = der(0x01, Buffer.from([0xff]))

export const spkiOf = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' })

export const nameOf = ({ name }: { readonly name: string }): Buffer =>
  sequence(der(0x31, sequence(objectId(COMMON_NAME), der(0x0c, Buffer.from(name)))))

/** §4.1.2.5: two digits for a year before 2050, four from then on. */
export function time(at: Instant): Buffer {
  const digits = new Date(at).toISOString().replace(/[-:T]|\.\d+/g, '')
  return digits < '2050' ? der(0x17, Buffer.from(digits.slice(2))) : der(0x18, Buffer.from(digits))
}

export const inPem = (label: string, content: Buffer): string =>
  `-----BEGIN ${label}-----\n${content.toString('base64').replace(/.{64}(?=.)/g, '$&\n')}\n-----END ${label}-----\n`
