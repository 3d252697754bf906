/** The forms of plain values in a route file: durations, sizes, addresses, lists. What only one member has is beside it. */
import { BlockList, isIP } from 'node:net'
import type { Path } from '../../config/yaml.ts'
import { blockListOf, isAddressOrRange } from '../../kernel/ip-ranges.ts'
import type { JsonValue } from '../../kernel/json.ts'
import { DAY, HOUR, MINUTE, SECOND } from '../../kernel/seconds.ts'
import type { Address } from '../plan.ts'
import { type Form, fault, type Reading } from './member.ts'

/** `convert` answers undefined for what it does not take, or with a sentence of its own. */
export const form = <T>(says: string, convert: (value: JsonValue) => T | undefined | Wrong): Form<T> => ({
  says,
  read(value, path, reading) {
    const converted = convert(value)
    if (converted instanceof Wrong) {
      reading.findings.fault(path, converted.sentence)
      return undefined
    }
    return converted === undefined ? fault(reading, path, says) : converted
  },
})

/** In the place of a value, why it is none: a whole sentence, without what was written where that may be a secret. */
export class Wrong {
  readonly sentence: string

  constructor(sentence: string) {
    this.sentence = sentence
  }
}

/** One line that can stand in a log or a header of ours. */
const isLine = (text: string): boolean => text.length <= 2000 && !/\p{C}/u.test(text)

export const text = form('text', value => {
  if (typeof value === 'number' || typeof value === 'boolean') return undefined
  return typeof value === 'string' && value !== '' && isLine(value) ? value : undefined
})

export const textMatching = (says: string, pattern: RegExp): Form<string> =>
  form(says, value => (typeof value === 'string' && pattern.test(value) ? value : undefined))

/** Any text, with line breaks and all. */
export const longText = form('text', value => (typeof value === 'string' ? value : undefined))

export const oneOf = <const T extends string>(...allowed: readonly T[]): Form<T> =>
  form(allowed.length > 1 ? `one of ${allowed.join(', ')}` : `${allowed[0]}`, value =>
    allowed.find(one => one === value),
  )

export const yesOrNo = form('true or false', value => (typeof value === 'boolean' ? value : undefined))

export const count = (least: number, most: number): Form<number> =>
  form(`a whole number from ${least} to ${most}`, value =>
    typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most ? value : undefined,
  )

export const part = form('a number from 0 to 1', value =>
  typeof value === 'number' && value >= 0 && value <= 1 ? value : undefined,
)

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: SECOND, m: MINUTE, h: HOUR, d: DAY }

/** As far as Node's timers count, in whole days. */
const LONGEST_TIMER = 24 * DAY

/** Milliseconds. */
export const duration = ({ least = 1, most = LONGEST_TIMER } = {}): Form<number> =>
  form('a duration with its unit, such as 250ms, 60s, 5m or 1h', value => {
    const [, digits = '', unit = ''] = (typeof value === 'string' && /^(\d{1,9})(ms|s|m|h|d)$/.exec(value)) || []
    const milliseconds = Number(digits) * (UNITS[unit] ?? Number.NaN)
    if (Number.isNaN(milliseconds)) return undefined
    return milliseconds >= least && milliseconds <= most
      ? milliseconds
      : new Wrong(`${value} is out of bounds: from ${spoken(least)} to ${spoken(most)}.`)
  })

/** Whole seconds, for what is compared with seconds of a token. */
export const seconds = ({ least = SECOND, most = 100 * 365 * DAY } = {}): Form<number> => {
  const milliseconds = duration({ least, most })
  return {
    says: milliseconds.says,
    read(value, path, reading) {
      const found = milliseconds.read(value, path, reading)
      if (found === undefined || found % SECOND === 0) return found === undefined ? undefined : found / SECOND
      return fault(reading, path, 'of whole seconds')
    },
  }
}

function spoken(milliseconds: number): string {
  const [unit = 'ms', size = 1] =
    Object.entries(UNITS).findLast(([, size]) => milliseconds >= size && milliseconds % size === 0) ?? []
  return `${milliseconds / size}${unit}`
}

const SIZES: Readonly<Record<string, number>> = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 }

/** Bytes. */
export const size = (least: number, most: number): Form<number> =>
  form('a size such as 64kb, 1mb or 2gb', value => {
    const [, digits = '', unit = ''] = (typeof value === 'string' && /^(\d{1,9})(b|kb|mb|gb)$/.exec(value)) || []
    const bytes = Number(digits) * (SIZES[unit] ?? Number.NaN)
    if (Number.isNaN(bytes)) return undefined
    return bytes >= least && bytes <= most
      ? bytes
      : new Wrong(`${value} is out of bounds: from ${least} to ${most} bytes.`)
  })

export const list = <T>(item: Form<T>, { least = 0 } = {}): Form<readonly T[]> => ({
  says: `a list${least > 0 ? ` of at least ${least}` : ''}, each of it ${item.says}`,
  ...(item.members && { members: item.members, step: '[]' }),
  read(value, path, reading) {
    if (!Array.isArray(value) || value.length < least) return fault(reading, path, this.says)
    const items = value.map((one: JsonValue, index) => item.read(one, [...path, index], reading))
    const sound = items.filter(one => one !== undefined)
    return sound.length === items.length ? sound : undefined
  },
})

/** A list in which nothing is there twice. */
export const setOf = <T extends string>(item: Form<T>, bounds: { least?: number } = {}): Form<readonly T[]> => {
  const items = list(item, bounds)
  return {
    ...items,
    read(value, path, reading) {
      const found = items.read(value, path, reading)
      const twice = found?.find((one, index) => found.indexOf(one) !== index)
      if (twice === undefined) return found
      reading.findings.fault(path, `${path.at(-1)} holds ${twice} twice.`)
      return undefined
    },
  }
}

export const address: Form<Address> = form('a host and a port, such as 127.0.0.1:4001 or [::1]:4001', value => {
  const [, bracketed, bare, digits = ''] =
    (typeof value === 'string' && /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(value)) || []
  const host = bracketed ?? bare
  const port = Number(digits)
  if (host === undefined || port > 65535) return undefined
  return bracketed !== undefined && isIP(bracketed) !== 6 ? undefined : { host, port }
})

export const addresses: Form<BlockList> = {
  says: 'a list of IP addresses and ranges such as 10.0.0.0/8',
  read(value, path, reading) {
    if (!Array.isArray(value)) return fault(reading, path, this.says)
    const entries = value as readonly JsonValue[]
    for (const [index, entry] of entries.entries())
      if (typeof entry !== 'string' || !isAddressOrRange(entry)) addressFault(entry, [...path, index], reading)
    const sound = entries.filter((entry): entry is string => typeof entry === 'string' && isAddressOrRange(entry))
    return sound.length === entries.length ? blockListOf(sound) : undefined
  },
}

const addressFault = (entry: JsonValue, path: Path, reading: Reading): void =>
  reading.findings.fault(
    path,
    typeof entry === 'string' && entry.endsWith('/0')
      ? `${entry} is everybody, and so no list at all.`
      : `${path.at(-2)} holds what is neither an IP address nor a range of them such as 10.0.0.0/8.`,
  )

export const NOBODY: BlockList = new BlockList()

/** http or https, without anything that could hold a secret or change what it means. */
const readUrl = (value: JsonValue): URL | undefined => {
  const url = typeof value === 'string' ? URL.parse(value) : null
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash)
    return undefined
  return url
}

/** Byte for byte, as a token's `iss` says it. */
export const issuerUrl = form('an http or https URL without a query', value =>
  readUrl(value) ? (value as string) : undefined,
)

/** A path of the gateway's own or on a service, without a query. */
export const localPath = textMatching(
  'a path such as /healthz: "/" and then letters, digits, "-", ".", "_", "~" and "/"',
  /^\/(?!\/)(?:[A-Za-z0-9_~-][A-Za-z0-9._~-]*\/?)*$/,
)

export const target = form('an http or https URL of a host and a port, without a path', value => {
  const url = readUrl(value)
  return url?.pathname === '/' ? url : undefined
})

export const origin = form('an origin such as https://app.example.com, or "*"', value => {
  if (value === '*') return value
  const url = readUrl(value)
  return url && url.origin === value ? value : undefined
})
