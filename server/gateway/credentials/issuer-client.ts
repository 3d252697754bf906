/**
 * What the gateway asks of an issuer as one of its clients: where its endpoints are, and forms posted to them with the
 * client's secret. What an answer means is for whoever asked; that there is none says nothing about a token or a person.
 */
import { parseObject } from '@latchkey/sdk/strict-json'
import type { Clock, Instant } from '../../kernel/clock.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { MINUTE, SECOND } from '../../kernel/seconds.ts'
import type { IssuerPlan } from '../plan.ts'

/** Of one question, its whole answer included. Whatever is leased for a question is leased for longer. */
export const ISSUER_TIMEOUT = 5 * SECOND
const MOST_BYTES = 64 * 1024
const METADATA_LIFE = 10 * MINUTE
/** Between two tries to learn where the endpoints are, while old knowledge serves or nothing does. */
const METADATA_PAUSE = SECOND

export interface ClientSecret {
  readonly id: string
  readonly secret: string
}

/** Of the discovery document what is used here. Addresses for browsers are as published, others as they are reached from here. */
export interface IssuerMetadata {
  readonly authorizationEndpoint: string | undefined
  readonly endSessionEndpoint: string | undefined
  readonly tokenEndpoint: string | undefined
  readonly introspectionEndpoint: string | undefined
  /** RFC 9207 §3: whether an answer without `iss` is somebody else's. */
  readonly saysIss: boolean
}

export interface PostedAnswer {
  readonly status: number
  /** Undefined where it is no JSON object that reads in one way only. */
  readonly body: JsonObject | undefined
}

export interface IssuerClient {
  readonly plan: IssuerPlan
  /** Rejects with `IssuerUnavailableError`. */
  metadata(): Promise<IssuerMetadata>
  /** Rejects with `IssuerUnavailableError` also where the issuer publishes no such endpoint. */
  post(
    endpoint: 'tokenEndpoint' | 'introspectionEndpoint',
    form: Readonly<Record<string, string>>,
    client: ClientSecret,
  ): Promise<PostedAnswer>
}

/** The message names the issuer and no more: what was posted holds secrets. */
export class IssuerUnavailableError extends Error {
  override readonly name = 'IssuerUnavailableError'
}

export interface IssuerClientOptions {
  readonly clock: Clock
  readonly timeout?: number
}

export function createIssuerClient(
  plan: IssuerPlan,
  { clock, timeout = ISSUER_TIMEOUT }: IssuerClientOptions,
): IssuerClient {
  let known: { readonly metadata: IssuerMetadata; readonly since: Instant } | undefined
  let asking: Promise<IssuerMetadata> | undefined
  let failure: { readonly error: unknown; readonly at: Instant } | undefined

  async function ask(address: string, init: RequestInit): Promise<PostedAnswer> {
    try {
      const response = await fetch(address, { ...init, redirect: 'error', signal: AbortSignal.timeout(timeout) })
      return { status: response.status, body: parseObject(await readBounded(response)) as JsonObject | undefined }
    } catch (cause) {
      throw new IssuerUnavailableError(`${plan.issuer} did not answer`, { cause })
    }
  }

  async function discover(): Promise<IssuerMetadata> {
    const address = `${plan.url.replace(/\/$/, '')}/.well-known/openid-configuration`
    const { status, body } = await ask(address, { headers: { accept: 'application/json' } })
    if (status !== 200 || body?.['issuer'] !== plan.issuer)
      throw new IssuerUnavailableError(`${plan.issuer} does not say where its endpoints are`)
    return readMetadata(plan, body)
  }

  /** One request at a time; what was known goes on serving while there is no newer. */
  function metadata(): Promise<IssuerMetadata> {
    const now = clock()
    const isFresh = (since: Instant, life: number) => Math.abs(now - since) < life
    if (known && isFresh(known.since, METADATA_LIFE)) return Promise.resolve(known.metadata)
    if (failure && isFresh(failure.at, METADATA_PAUSE))
      return known ? Promise.resolve(known.metadata) : Promise.reject(failure.error)
    asking ??= discover()
      .then(
        found => {
          known = { metadata: found, since: now }
          failure = undefined
          return found
        },
        error => {
          failure = { error, at: now }
          if (known) return known.metadata
          throw error
        },
      )
      .finally(() => {
        asking = undefined
      })
    return asking
  }

  return {
    plan,
    metadata,
    async post(endpoint, form, client) {
      const address = (await metadata())[endpoint]
      if (address === undefined) throw new IssuerUnavailableError(`${plan.issuer} publishes no such endpoint`)
      return ask(address, {
        method: 'POST',
        headers: {
          accept: 'application/json',
          'content-type': 'application/x-www-form-urlencoded',
          authorization: basicOf(client),
        },
        body: new URLSearchParams(form).toString(),
      })
    },
  }
}

/** RFC 6749 §2.3.1: both parts are form-encoded before they are joined. Every issuer takes it. */
function basicOf({ id, secret }: ClientSecret): string {
  const encoded = (text: string) => new URLSearchParams({ '': text }).toString().slice(1)
  return `Basic ${Buffer.from(`${encoded(id)}:${encoded(secret)}`).toString('base64')}`
}

function readMetadata(plan: IssuerPlan, body: JsonObject): IssuerMetadata {
  const published = (name: string): string | undefined => {
    const address = body[name]
    return typeof address === 'string' && isAcceptable(plan, address) ? address : undefined
  }
  const reached = (name: string): string | undefined => {
    const address = published(name)
    if (plan.url === plan.issuer || !address?.startsWith(plan.issuer)) return address
    return `${plan.url.replace(/\/$/, '')}/${address.slice(plan.issuer.length).replace(/^\//, '')}`
  }
  return {
    authorizationEndpoint: published('authorization_endpoint'),
    endSessionEndpoint: published('end_session_endpoint'),
    tokenEndpoint: reached('token_endpoint'),
    introspectionEndpoint: reached('introspection_endpoint'),
    saysIss: body['authorization_response_iss_parameter_supported'] === true,
  }
}

/** Tokens and secrets go there: over https, unless the issuer itself is reached without. */
function isAcceptable(plan: IssuerPlan, address: string): boolean {
  const protocol = URL.parse(address)?.protocol
  return protocol === 'https:' || (protocol === 'http:' && plan.issuer.startsWith('http:'))
}

async function readBounded(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > MOST_BYTES) throw new Error(`the answer is larger than ${MOST_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
