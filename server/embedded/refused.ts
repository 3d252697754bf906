/**
 * Why an application's page does not get what it asked for. Auth0's SDKs read one of two forms, by the endpoint: that of
 * OAuth, or that of the database connections, which names a rule as well.
 */
import { type Answer, json } from '../http/route.ts'
import type { PasswordError } from '../identity/password-errors.ts'
import type { JsonObject } from '../kernel/json.ts'

interface Besides {
  /** In place of the sentence: rules one by one. */
  readonly description?: JsonObject

  /** Auth0's name for the kind of fault, which Lock chooses its words by. */
  readonly name?: string
  /** Of passwords, as lines of text. */
  readonly policy?: string
  /** In milliseconds: when to ask again. */
  readonly wait?: number
}

export class Refused extends Error {
  override readonly name = 'Refused'
  readonly status: number
  readonly code: string
  readonly besides: Besides

  /** `description` is English, for developers, and repeats nothing that was sent. */
  constructor(status: number, code: string, description: string, besides: Besides = {}) {
    super(description)
    this.status = status
    this.code = code
    this.besides = besides
  }
}

export type Form = 'oauth' | 'database'

export function answerOf({ status, code, message, besides }: Refused, form: Form): Answer {
  const { name = 'BadRequestError', policy, description = message, wait } = besides
  const body =
    form === 'oauth'
      ? { error: code, error_description: message }
      : { name, message, code, description, statusCode: status, ...(policy !== undefined && { policy }) }
  return json(status, body, wait === undefined ? {} : { 'retry-after': String(Math.ceil(wait / 1000)) })
}

/** A password that may not be chosen. */
export const refusedPassword = ({ name, message, code, description, policy, statusCode }: PasswordError): Refused =>
  new Refused(statusCode, code, message, {
    name,
    policy,
    ...(typeof description === 'object' && { description }),
  })

/** Nothing was checked, and may be asked again in a moment. */
export const busy = () =>
  new Refused(503, 'temporarily_unavailable', 'The server is busy with passwords. Ask again in a moment.', {
    wait: 1000,
  })

/** A brake holds. `wait` in milliseconds. */
export const held = (wait: number) =>
  new Refused(429, 'too_many_attempts', 'There were too many attempts. Wait before the next.', {
    name: 'TooManyRequestsError',
    wait,
  })
