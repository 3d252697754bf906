/** What the token endpoint answers to a request that is in order (RFC 6749 §5.1). */
import { insist } from '../insist.ts'

export interface JsonAnswer {
  readonly status: number
  readonly headers: Headers
  /** Undefined when it is no JSON object. */
  readonly body: Readonly<Record<string, unknown>> | undefined
}

export interface TokenAnswer {
  readonly access_token: string
  readonly token_type: string
  readonly expires_in?: number
  readonly refresh_token?: string
  readonly id_token?: string
}

const LONGEST_LIFE = 31_536_000

export const isJson = ({ headers }: { readonly headers: Headers }): boolean =>
  /^application\/json(?:;|$)/.test(headers.get('content-type') ?? '')

export async function readJson(response: Response): Promise<JsonAnswer> {
  const { status, headers } = response
  const text = await response.text()
  try {
    const body: unknown = JSON.parse(text)
    return { status, headers, body: isRecord(body) ? body : undefined }
  } catch {
    return { status, headers, body: undefined }
  }
}

/** Without an ID token only where none is due: in the answer to a refresh. */
export function checkTokenAnswer(answer: JsonAnswer, due: 'code' | 'refresh' = 'code'): TokenAnswer {
  const { status, body } = answer
  insist('token-answer#json', status === 200 && body !== undefined, { status, body })
  const { access_token, token_type, expires_in: life, id_token } = body
  insist('token-answer#members', isText(access_token) && isText(token_type), body)
  const isLife = typeof life === 'number' && life >= 1 && life <= LONGEST_LIFE
  insist('token-answer#expires-in', life === undefined || isLife, life)
  insist('token-answer#id-token', isText(id_token) || due === 'refresh', body)
  return body as unknown as TokenAnswer
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
