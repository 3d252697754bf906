/** What of RFC 6455 a gateway has to know that passes frames on unread: where one ends, and how to say goodbye. */

const CLOSE = 0x8
const FIN = 0x80

/** RFC 6455 §7.4.1, and of its §7.4.2 for private use: the token is over. */
export const GOING_AWAY = 1001
export const TOKEN_OVER = 4401

/** The frame of a server that closes (§5.5.1): not masked, the code and then why. */
export function closeFrame(code: number, reason: string): Buffer {
  const said = Buffer.from(reason)
  const frame = Buffer.alloc(4 + said.length)
  frame[0] = FIN | CLOSE
  frame[1] = 2 + said.length
  frame.writeUInt16BE(code, 2)
  said.copy(frame, 4)
  return frame
}

/** Follows what a server sends, from the end of its 101 on. */
export class Frames {
  /** A server has said its last word: nothing may follow it. */
  isClosed = false
  #payload = 0
  /** Of a header that has not come whole. */
  readonly #header: number[] = []

  /** Whether the next byte begins a frame. */
  get isBetween(): boolean {
    return this.#payload === 0 && this.#header.length === 0
  }

  pass(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#payload > 0) {
        const taken = Math.min(this.#payload, chunk.length - at)
        this.#payload -= taken
        at += taken
      } else {
        this.#header.push(chunk[at++] ?? 0)
        this.#read()
      }
    }
  }

  /** §5.2. A server's frames are not masked; of one that masks them all the same, the key is taken into account. */
  #read(): void {
    const [first = 0, second = 0] = this.#header
    if (this.#header.length < 2) return
    const short = second & 0x7f
    const extended = short === 127 ? 8 : short === 126 ? 2 : 0
    const masked = second & 0x80 ? 4 : 0
    if (this.#header.length < 2 + extended + masked) return
    this.#payload =
      extended === 0 ? short : this.#header.slice(2, 2 + extended).reduce((sum, byte) => sum * 256 + byte, 0)
    if ((first & 0x0f) === CLOSE) this.isClosed = true
    this.#header.length = 0
  }
}
