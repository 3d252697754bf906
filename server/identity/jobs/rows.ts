/**
 * The rows of an import as they come: the elements of a JSON array, or a document a line (NDJSON), one at a time, each
 * with the line it begins on and the byte behind it, from where the reading can go on another day. Only where a row ends
 * is found here; what is in it, `JSON.parse` reads at a tenth of what a parser in JavaScript would cost.
 */
export interface Row {
  /** Counted from 1. */
  readonly place: number
  /** That it begins on, counted from 1. */
  readonly line: number
  /** Null for one that is longer or nests deeper than any person does; it was passed over. */
  readonly bytes: Uint8Array | null
  /** Where reading goes on behind it. */
  readonly next: RowsState
}

/** What is known at the end of a row: all that a reader of the rest needs. */
export interface RowsState {
  /** Of the first byte that was not read, counted from 0. */
  readonly offset: number
  readonly line: number
  readonly place: number
  /** `start` before the first byte that says which it is; `end` behind the array. */
  readonly form: 'start' | 'array' | 'lines' | 'end'
  /** Whether a comma must come before another element. */
  readonly needsComma: boolean
}

export const BEFORE_ALL: RowsState = { offset: 0, line: 1, place: 0, form: 'start', needsComma: false }

/** A fault behind which nothing can be read any more. */
export class RowsFault extends Error {
  override readonly name = 'RowsFault'
}

/** In bytes: both metadata at their largest, and a profile. */
export const LONGEST_ROW = 64 * 1024
/** Of brackets within one another. */
const DEEPEST = 32

const [TAB, LF, CR, SPACE, QUOTE, COMMA, OPEN_LIST, BACKSLASH, CLOSE_LIST, OPEN, CLOSE] = [
  0x09, 0x0a, 0x0d, 0x20, 0x22, 0x2c, 0x5b, 0x5c, 0x5d, 0x7b, 0x7d,
]
const isSpace = (byte: number): boolean => byte === SPACE || byte === LF || byte === CR || byte === TAB

/** Written by Windows before UTF-8. */
const MARK = [0xef, 0xbb, 0xbf]

/** Whether it may be rows, by its first bytes. */
export function beginsAsRows(bytes: Uint8Array): boolean {
  const isMarked = MARK.every((byte, index) => bytes[index] === byte)
  const first = bytes.subarray(isMarked ? MARK.length : 0).find(byte => !isSpace(byte))
  return first === undefined || first === OPEN_LIST || first === OPEN
}

export interface RowReader {
  /** The rows that end in these bytes, which follow those before. Throws `RowsFault`. */
  read(bytes: Uint8Array): Generator<Row>
  /** There are no more bytes: what of a row may be left is the last of NDJSON, or half of one. Throws `RowsFault`. */
  end(): Generator<Row>
}

export function createRowReader(from: RowsState = BEFORE_ALL): RowReader {
  let { offset, line, place, form, needsComma } = from
  /** Of the row that is being read: what came before these bytes; null beyond the limits. */
  let begun: Uint8Array[] | null = []
  let length = 0
  let rowLine = line
  let isInRow = false
  let isInText = false
  let isEscaped = false
  let depth = 0
  let deepest = 0
  /** Elements that are no objects or arrays end where something else begins. */
  let isBare = false

  const fault = (what: string) => new RowsFault(`${what} on line ${line}.`)

  const begin = () => {
    begun = []
    length = 0
    rowLine = line
    isInRow = true
    isInText = isEscaped = isBare = false
    depth = deepest = 0
  }
  const keep = (part: Uint8Array) => {
    length += part.length
    if (length > LONGEST_ROW || deepest > DEEPEST) begun = null
    else begun?.push(part)
  }
  const finish = (part: Uint8Array, offsetBehind: number): Row => {
    keep(part)
    place += 1
    isInRow = false
    needsComma = true
    const bytes = begun === null ? null : begun.length === 1 ? (begun[0] as Uint8Array) : Buffer.concat(begun)
    begun = []
    return { place, line: rowLine, bytes, next: { offset: offsetBehind, line, place, form, needsComma } }
  }

  /** Between rows: what the first byte of all, or the next one, begins. */
  function startOf(byte: number): void {
    if (form === 'end') throw fault('There is something behind the end of the array')
    if (form === 'start') {
      if (byte === OPEN_LIST) {
        form = 'array'
        return
      }
      if (byte !== OPEN) throw fault('The file is neither a JSON array of users nor NDJSON: something else stands')
      form = 'lines'
    }
    if (form === 'array') {
      if (byte === CLOSE_LIST) {
        form = 'end'
        return
      }
      if (byte === COMMA) {
        if (!needsComma) throw fault('A comma without a user before it stands')
        needsComma = false
        return
      }
      if (needsComma) throw fault('A comma is missing')
    }
    begin()
  }

  /** Where the row ends in these bytes: behind the last byte that is its own; undefined when it goes on. */
  function endIn(bytes: Uint8Array, from: number): number | undefined {
    const isLines = form === 'lines'
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at] as number
      if (byte === LF) {
        // Counted by whoever goes on behind it.
        if (isLines || (depth === 0 && !isInText)) return at
        line += 1
      }
      if (isInText) {
        if (isEscaped) isEscaped = false
        else if (byte === BACKSLASH) isEscaped = true
        else if (byte === QUOTE) isInText = false
      } else if (byte === QUOTE) {
        isInText = true
        if (depth === 0) isBare = true
      } else if (byte === OPEN || byte === OPEN_LIST) {
        depth += 1
        if (depth > deepest) deepest = depth
      } else if (isLines) {
        if (byte === CLOSE || byte === CLOSE_LIST) depth -= 1
      } else if (depth === 0) {
        // A number, a word or a text by itself ends before what cannot be in it.
        if (byte === COMMA || byte === CLOSE_LIST || isSpace(byte)) return at
        isBare = true
      } else if (byte === CLOSE || byte === CLOSE_LIST) {
        depth -= 1
        if (depth === 0 && !isBare) return at + 1
      }
    }
    return undefined
  }

  return {
    *read(bytes) {
      let at = 0
      if (offset === 0 && MARK.every((byte, index) => bytes[index] === byte)) at = MARK.length
      while (at < bytes.length) {
        if (!isInRow) {
          const byte = bytes[at] as number
          if (isSpace(byte)) {
            if (byte === LF) line += 1
            at += 1
            continue
          }
          startOf(byte)
          if (!isInRow) {
            at += 1
            continue
          }
        }
        const behind = endIn(bytes, at)
        if (behind === undefined) {
          keep(bytes.subarray(at))
          break
        }
        yield finish(bytes.subarray(at, behind), offset + behind)
        at = behind
      }
      offset += bytes.length
    },

    *end() {
      if (form === 'lines' && isInRow) yield finish(new Uint8Array(), offset)
      else if (form === 'start') throw new RowsFault('The file is empty.')
      else if (form === 'array')
        throw fault(
          isInRow
            ? 'The file ends in the middle of a user'
            : 'The array does not end: there is no ] behind what stands',
        )
    },
  }
}
