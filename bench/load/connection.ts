/**
 * One keep-alive connection of a load generator: requests in, answers out, one after another, and as little in between
 * as HTTP/1.1 allows (RFC 9112). A client that is light measures the server; it reads only what the servers of a bench
 * send, and throws at anything else.
 */
import { connect, type Socket } from 'node:net'

export interface Request {
  readonly method: 'GET' | 'POST'
  /** Path and query. */
  readonly target: string
  readonly headers?: Readonly<Record<string, string>>
  /** A form. */
  readonly form?: string
}

export interface Answer {
  readonly status: number
  /** Of one header, the first time it stands there. By lower-case name. */
  header(name: string): string | undefined
  /** `name=value` of every cookie that was set. */
  cookies(): readonly string[]
  readonly body: string
}

export interface Connection {
  ask(request: Request): Promise<Answer>
  close(): void
}

/** `host` is what it is asked as; the connection goes to this machine, and is made anew when the server ended it between two requests. */
export function openConnection(host: string, port: number): Connection {
  let socket: Socket | undefined
  let received: Buffer = Buffer.alloc(0)
  let waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined

  const fail = (error: Error): void => {
    waiting?.reject(error)
    waiting = undefined
  }
  const read = (chunk: Buffer): void => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
    const found = readAnswer(received)
    if (!found) return
    received = received.subarray(found.end)
    const { resolve } = waiting ?? {}
    waiting = undefined
    resolve?.(found.answer)
  }

  function connected(): Socket {
    if (socket) return socket
    const made = connect({ port, host: '127.0.0.1', noDelay: true })
    made.on('data', read)
    made.on('error', fail)
    made.on('close', () => {
      socket = undefined
      received = Buffer.alloc(0)
      fail(new Error('The server closed the connection'))
    })
    socket = made
    return made
  }

  return {
    ask(request) {
      if (waiting) throw new TypeError('One request at a time')
      return new Promise((resolve, reject) => {
        waiting = { resolve, reject }
        connected().write(written(host, request))
      })
    },
    close: () => void socket?.destroy(),
  }
}

function written(host: string, { method, target, headers = {}, form }: Request): string {
  const lines = [`${method} ${target} HTTP/1.1`, `host: ${host}`]
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`)
  if (form !== undefined)
    lines.push('content-type: application/x-www-form-urlencoded', `content-length: ${Buffer.byteLength(form)}`)
  return `${lines.join('\r\n')}\r\n\r\n${form ?? ''}`
}

/** Undefined while it is not all there. */
function readAnswer(bytes: Buffer): { answer: Answer; end: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const head = bytes.toString('latin1', 0, headEnd)
  const lowered = head.toLowerCase()
  const header = (name: string): string | undefined => {
    const at = lowered.indexOf(`\r\n${name}: `)
    if (at < 0) return undefined
    const from = at + name.length + 4
    const to = head.indexOf('\r\n', from)
    return head.slice(from, to < 0 ? undefined : to)
  }
  const start = headEnd + 4
  const length = header('content-length')
  const body = length === undefined ? readChunks(bytes, start) : readWhole(bytes, start, Number(length))
  if (!body) return undefined
  return {
    answer: {
      status: Number(head.slice(9, 12)),
      header,
      cookies: () => [...head.matchAll(/\r\nset-cookie: ([^;\r]+)/gi)].map(([, pair = '']) => pair),
      body: body.text,
    },
    end: body.end,
  }
}

interface Body {
  readonly text: string
  readonly end: number
}

function readWhole(bytes: Buffer, start: number, length: number): Body | undefined {
  const end = start + length
  return bytes.length < end ? undefined : { text: bytes.toString('utf8', start, end), end }
}

/** RFC 9112 §7.1, without trailers: nobody here sends any. */
function readChunks(bytes: Buffer, start: number): Body | undefined {
  const parts: Buffer[] = []
  for (let at = start; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd < 0) return undefined
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16)
    if (Number.isNaN(size)) throw new Error('The answer has neither a length nor chunks')
    at = lineEnd + 2 + size + 2
    if (bytes.length < at) return undefined
    if (size === 0) return { text: Buffer.concat(parts).toString('utf8'), end: at }
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size))
  }
}
