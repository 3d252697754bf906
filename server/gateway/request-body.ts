/**
 * The body of a request on its way up, as a stream that may end before the request does: an upstream that has answered
 * wants no more of it, and the client's connection must outlive that. How much of one is taken is the route's to say.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'

const BUFFERED = 64 * 1024

/** RFC 9112 §6.3: what announces a body. */
export function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length']
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}

export class RequestBody extends Readable {
  /** Whether a byte was handed on: the request cannot be sent a second time then. */
  isBegun = false
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #limit: number
  readonly #tooLarge: () => void
  #taken = 0
  #isInvited = false

  constructor(request: IncomingMessage, response: ServerResponse, limit: number, tooLarge: () => void) {
    super({ highWaterMark: BUFFERED })
    this.#request = request
    this.#response = response
    this.#limit = limit
    this.#tooLarge = tooLarge
    // Whoever reads it notices; that it was left is not news to anybody else.
    this.on('error', () => {})
    request.pause()
    if (request.readableEnded) this.push(null)
    else request.on('data', this.#take).on('end', this.#end)
  }

  /** Whether it is the client that is waited for. */
  get isWanted(): boolean {
    return !this.#request.isPaused() && !this.readableEnded
  }

  override _read(): void {
    this.#invite()
    this.#request.resume()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#request.off('data', this.#take).off('end', this.#end).pause()
    done(error)
  }

  /** Nothing more is wanted: what still comes is let go by, as much of it as would have been taken. */
  letBy(): void {
    this.destroy()
    if (this.#request.complete || this.#request.destroyed) return
    this.#request.on('data', this.#drop).resume()
  }

  /** RFC 9110 §10.1.1: only once somebody wants the body. */
  #invite(): void {
    if (this.#isInvited || this.#request.headers.expect === undefined || this.#response.headersSent) return
    this.#isInvited = true
    this.#response.writeContinue()
  }

  readonly #take = (chunk: Buffer): void => {
    this.#taken += chunk.length
    if (this.#taken > this.#limit) {
      this.#tooLarge()
      return
    }
    this.isBegun = true
    if (!this.push(chunk)) this.#request.pause()
  }

  readonly #drop = (chunk: Buffer): void => {
    this.#taken += chunk.length
    if (this.#taken > this.#limit) this.#request.destroy()
  }

  readonly #end = (): void => {
    this.push(null)
  }
}
