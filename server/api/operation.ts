/**
 * What a resource of the Management API is made of: operations, each with its path, whom it takes, what it reads and what
 * it answers. From this one description a request is checked and the OpenAPI document is printed.
 */
import type { Static, TObject, TSchema } from 'typebox'
import type { Occasion } from '../audit/events.ts'
import type { ManagementScope } from '../clients/management-scopes.ts'
import type { Client } from '../clients/metadata.ts'
import type { Incoming, Route } from '../http/route.ts'
import type { Instant } from '../kernel/clock.ts'
import type { JsonValue } from '../kernel/json.ts'
import type { ApiServices } from './services.ts'

/** Any of them suffices; or none of `allOf` may be missing. */
export type ScopeRule =
  | readonly [ManagementScope, ...ManagementScope[]]
  | { readonly allOf: readonly ManagementScope[] }

/** A request that was let in and read. */
export interface Call<Query, Body> {
  readonly incoming: Incoming
  readonly tenant: string
  /** The machine that calls, for events. */
  readonly client: Client
  /** What its token holds, for what is shown to some only. */
  readonly scopes: readonly string[]
  readonly query: Query
  readonly body: Body
  /** A part of the path by its name in it. */
  path(name: string): string
  readonly now: Instant
  readonly occasion: Occasion
}

export interface Reply {
  readonly status: 200 | 201 | 202 | 204
  /** Undefined for an answer without one. Members that are undefined are left out. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

interface Description {
  readonly method: Route['method']
  /** Behind `/api/v2`: `/users/:id`. */
  readonly path: `/${string}`
  /** One line of the OpenAPI document: what it does. */
  readonly summary: string
  readonly scopes: ScopeRule
  /** The body of each status that is no fault; null for none. */
  readonly answers: { readonly [status in Reply['status']]?: TSchema | null }
}

export interface Operation extends Description {
  readonly query: TObject | null
  /** A query parameter that is not in `query` is refused; what a body may hold besides is its schema's to say. */
  readonly body: TSchema | null
  /** Takes a form of several parts in the place of JSON, and reads it itself; the schema describes what is in it. */
  readonly takesForm: boolean
  /** A request without a body counts as one whose body is an empty object. */
  readonly bodyMayBeLeftOut: boolean
  run(call: Call<never, never>, services: ApiServices): Promise<Reply>
}

/** `query` and `body` are schemas of TypeBox, by which what `run` is given has its types. */
export const operation = <Query extends TObject = TObject, Body extends TSchema = TSchema>(
  given: Description & {
    readonly query?: Query
    readonly body?: Body
    readonly bodyMayBeLeftOut?: true
    readonly takesForm?: true
    run(
      call: Call<
        [TObject] extends [Query] ? Record<string, never> : Static<Query>,
        [TSchema] extends [Body] ? JsonValue : Static<Body>
      >,
      services: ApiServices,
    ): Promise<Reply>
  },
): Operation => ({
  ...given,
  query: given.query ?? null,
  body: given.body ?? null,
  bodyMayBeLeftOut: given.bodyMayBeLeftOut ?? false,
  takesForm: given.takesForm ?? false,
  run: given.run as Operation['run'],
})
