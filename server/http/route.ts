/**
 * What a surface is made of: routes, each a function from a request to an answer. The types are ours, so that
 * no handler knows the framework and each can be called in a test as it is.
 */
import type { Readable } from 'node:stream'
import type { JsonObject, JsonValue } from '../kernel/json.ts'
import type { Cors } from './cors.ts'
import type { Parameters } from './parameters.ts'

export interface Incoming {
  /** Names this request in the log, in events and on error pages. */
  readonly id: string
  readonly tenant: string
  /** The issuer stored for the host that was asked. */
  readonly issuer: string
  readonly method: string
  /** The path of the route that was asked, as it is listed: `/oauth/token`. */
  readonly route: string
  /** Values of the path's `:name` parts, decoded; of a path that ends in `*` what stands in its place, as it was sent, under `*`. */
  readonly path: Readonly<Record<string, string>>
  readonly query: Parameters
  /** Of a form or JSON body; empty without one. */
  readonly body: Parameters
  /** Of a route that takes one; null for a body that is none, and on every other route. */
  readonly document: JsonObject | null
  /** Of a route that takes JSON of any kind; undefined without a body, and on every other route. */
  readonly json?: JsonValue
  /**
   * Of a route that takes JSON of any kind, where a form of several parts was sent (RFC 7578); null otherwise. Nothing of
   * it is read before this is called, which is once, by whoever has made sure that the sender may send it.
   */
  readonly stream: (() => Readable) | null
  /** By lower-case name. Repeated headers are joined as Node does. */
  header(name: string): string | undefined
  /** The client's address, through trusted proxies only. */
  readonly address: string
}

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly cookies?: readonly string[]
  /** What is a stream goes out as it comes, no faster than it is read, and is destroyed when the client leaves. */
  readonly body?: string | Buffer | Readable
  /** What the log calls the place that was asked, where a route stands for many: `/api/v2/users/:id`. */
  readonly place?: string
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** `/login/:id`. One that ends in `*` stands for all below it that no other route has. */
  readonly path: string
  /**
   * `document`: a JSON body is an object with members of any type, which `body` cannot hold. `json`: it may be any JSON
   * that a database can keep, and is read in whole even where it is larger than a stranger's form may be; and a form of
   * several parts is handed on as it comes.
   */
  readonly takes?: 'document' | 'json'
  /** Whose pages may read the answer, errors included (`cors.ts`). Left out: same origin only. */
  readonly cors?: Cors
  /** Answers on every host, and for no tenant: `tenant` and `issuer` are empty, and nobody is asked for them. */
  readonly anyHost?: true
  /** Asked by machines many times a minute: each answer is worth a line of the log only to whoever looks for it. */
  readonly isRoutine?: true
  /** Its answer goes on for as long as somebody listens: there is no HEAD of it, and how long it took is no measure. */
  readonly isStream?: true
  /**
   * How a fault is told: to a program as JSON, or to a person as a page. What speaks JSON answers HEAD wherever it
   * answers GET, so its GET has no effect; a page's may have one (a code, a sign-out) and has no HEAD.
   */
  readonly speaks: 'json' | 'pages'
  /** How a fault that kept the request from its route is told, where `error` and `error_description` are not the form. */
  readonly tells?: (fault: Fault) => Answer
  readonly answer: (incoming: Incoming) => Promise<Answer> | Answer
}

/** What is told of something that went wrong. */
export interface Fault {
  readonly code: string
  readonly message: string
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
}

/** Whether this tenant is reached over https: decides the cookies' form. */
export const isSecure = (incoming: Pick<Incoming, 'issuer'>): boolean => incoming.issuer.startsWith('https:')

/** 303, so that a browser that posted a form goes on with GET and never posts it again (RFC 9110 §15.4.4). */
export const seeOther = (location: string, cookies: readonly string[] = []): Answer => ({
  status: 303,
  headers: { location, 'cache-control': 'no-store' },
  cookies,
})

/** RFC 6749 §5.1: nothing that holds a token or speaks of one is kept by a cache. */
export const json = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
  body: JSON.stringify(body),
})

export const html = (
  status: number,
  body: string,
  headers: Readonly<Record<string, string>>,
  cookies: readonly string[] = [],
): Answer => ({
  status,
  headers: { 'content-type': 'text/html; charset=utf-8', ...headers },
  cookies,
  body,
})
