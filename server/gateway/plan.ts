/**
 * What a route file means: every member of it with its default settled, names turned into what they name, durations in
 * milliseconds, sizes in bytes. `route-file/` makes one from the YAML and nobody changes it afterwards: a reload makes
 * another. What is done by it is for the rest of the folder.
 */
import type { BlockList } from 'node:net'
import type { AlgorithmName } from '@latchkey/sdk/verify'

export interface EdgePlan {
  readonly listen: Address
  /** Null: plain HTTP, as behind a proxy that ends TLS. Paths of PEM files. */
  readonly tls: { readonly cert: string; readonly key: string } | null
  /** Where `/metrics` is told. Null: nowhere. */
  readonly metrics: Address | null
  /** `passed`: the part of requests that passed whose line is written, from 0 to 1. Every other request has its line. */
  readonly accessLog: { readonly passed: number }
  /** Whose forwarding headers count. Without any, nobody's. */
  readonly trustedProxies: BlockList
  /** Of a Redis that several gateways share; null: this process's memory. */
  readonly redisUrl: string | null
  readonly issuers: readonly IssuerPlan[]
  /** Of an API whose tokens are encrypted; the API's, never the identity server's. */
  readonly decryptionKeys: readonly KeyFile[]
  /** Signs the internal JWT; its public half is at `/edge/jwks.json`. */
  readonly identityKey: KeyFile | null
  readonly session: SessionPlan | null
  /** In the order of the file: the first that matches counts. */
  readonly routes: readonly RoutePlan[]
  readonly upstreams: readonly UpstreamPlan[]
  /** Whether `/edge/check` answers other proxies, and on which of their word it relies: `trustedProxies`. */
  readonly forwardAuth: boolean
  readonly bounds: Bounds
}

export interface Address {
  readonly host: string
  readonly port: number
}

/** What a stranger may send and how long they may take over it, before a route is even known. */
export interface Bounds {
  readonly headerBytes: number
  readonly headerTimeout: number
  readonly requestTimeout: number
  readonly idleTimeout: number
  readonly connections: number
}

export interface IssuerPlan {
  /** As `iss` says it, byte for byte. */
  readonly issuer: string
  /** Where it is reached; the issuer itself unless the file says otherwise. */
  readonly url: string
  /** Whether its keys may come by http from another machine. */
  readonly allowHttp: boolean
  /** HS256 among them where there are secrets. */
  readonly algorithms: readonly AlgorithmName[]
  /** With which the revocation stream is opened and tokens are introspected. Null: neither is done. */
  readonly client: { readonly id: string; readonly secret: string } | null
  /** Secrets of single APIs, each believed for its audience alone. */
  readonly hs256: readonly { readonly audience: string; readonly kid: string | null; readonly secret: Uint8Array }[]
  /** Whether a token counts only as long as the revocation stream says nothing else: never without a client. */
  readonly followsRevocations: boolean
}

export interface KeyFile {
  readonly kid: string | null
  /** PEM or JWK, as it stands in the file that the route file names. */
  readonly text: string
  /** For messages. */
  readonly file: string
}

/** The gateway as an OpenID client of its own, for routes whose caller is a browser without an SDK. */
export interface SessionPlan {
  readonly issuer: IssuerPlan
  readonly client: { readonly id: string; readonly secret: string }
  readonly scope: string
  readonly audience: string | null
  /** Seals the records: 32 bytes. The first seals, all of them open. */
  readonly keys: readonly Uint8Array[]
  /** Paths of the gateway itself, on every host that a session route matches. */
  readonly signIn: string
  readonly callback: string
  readonly signOut: string
  /** Where a browser is after it signed out: a local path. */
  readonly afterSignOut: string
  readonly idle: number
  readonly absolute: number
}

export type CredentialKind = 'bearer' | 'opaque' | 'api-key' | 'single-use' | 'session'

export interface RoutePlan {
  /** For logs, metrics and `explain`: the file's `name`, or `GET /videos/*`. Never a path that somebody asked. */
  readonly name: string
  /** Of its entry in the file, counted from 1. */
  readonly line: number
  readonly match: {
    /** Lower case, without a port; `*.example.com` for every name below one; null: any. */
    readonly host: string | null
    /** `/videos`, `/videos/*` (anything below, and `/videos/` itself), `/films/:id/poster` (one segment). */
    readonly path: string
    /** Null: any. GET brings HEAD with it. */
    readonly methods: readonly string[] | null
  }
  readonly access: Access
  readonly credentials: readonly CredentialKind[]
  readonly identity: readonly IdentityHeader[]
  /** In the place of, or beside, identity headers: a JWT signed by `identityKey`. */
  readonly identityToken: {
    readonly header: string
    /** Whose word it is, as the service knows this gateway. */
    readonly issuer: string
    readonly audience: string
    readonly lifetimeSeconds: number
  } | null
  readonly onStale: { readonly after: number; readonly do: 'allow' | 'deny' }
  readonly timeout: { readonly connect: number; readonly response: number; readonly total: number }
  readonly retries: number
  readonly limits: readonly LimitPlan[]
  readonly maxBody: number
  readonly cors: CorsPlan | null
  /**
   * Whether the header with the credential goes on to the service, that it may judge for itself. Of a route that takes
   * bearer tokens alone it does unless told otherwise, of every other it does not: of a public one it was never read.
   */
  readonly forwardCredential: boolean
  /** Taken off the front of the path before it is forwarded; empty: nothing. */
  readonly stripPrefix: string
  readonly upstream: UpstreamPlan
}

/** What a caller has to be. Null and empty lists ask for nothing. */
export interface Rule {
  readonly audience: string
  readonly scopes: readonly string[]
  readonly permissions: readonly string[]
  readonly organization: string | null
  /** All of them. */
  readonly amr: readonly string[]
  /** One of them. */
  readonly acr: readonly string[]
  /** How long ago the person may have proven themselves. */
  readonly maxAgeSeconds: number | null
}

export type Access =
  | { readonly kind: 'public' }
  | { readonly kind: 'optional'; readonly rule: Rule }
  | { readonly kind: 'required'; readonly rule: Rule }
  | {
      readonly kind: 'internal'
      readonly addresses: BlockList
      readonly clients: readonly string[]
      readonly rule: Rule | null
    }

export interface IdentityHeader {
  /** Lower case. */
  readonly header: string
  /** Steps into the claims: `['https://example.com/roles', '0']`, `['address', 'country']`. */
  readonly claim: readonly string[]
}

export interface LimitPlan {
  readonly per: 'address' | 'identity'
  readonly requests: number
  readonly within: number
}

export interface CorsPlan {
  readonly origins: readonly string[]
  readonly credentials: boolean
  readonly maxAgeSeconds: number
}

export type Balance =
  | { readonly by: 'round-robin' | 'least-connections' | 'client-address' }
  | { readonly by: 'sticky-query'; readonly parameter: string }

export interface UpstreamPlan {
  readonly name: string
  readonly balance: Balance
  readonly targets: readonly { readonly url: URL; readonly weight: number }[]
  /** Sockets to one target. */
  readonly connections: number
  readonly health: {
    readonly path: string
    readonly interval: number
    readonly timeout: number
    /** How many in a row until it counts as well, or as ill. */
    readonly healthy: number
    readonly unhealthy: number
  } | null
  readonly breaker: {
    readonly failures: number
    readonly within: number
    readonly open: number
    readonly fallback: { readonly status: number; readonly body: string; readonly contentType: string } | null
  } | null
  /** Of all requests in ten seconds, the part that may be tried again. */
  readonly retryBudget: number
}
