/** What a connection does over and over. Each turn is one unit of what is counted, and an answer that is not the expected one ends the measurement. */
import { type Algorithm, applicationOf, authorizePath, basic, REDIRECT_URI, VERIFIER } from '../world.ts'
import type { Answer, Connection, Request } from './connection.ts'

/** As it is told to the generator's process. */
export type Scenario =
  /** One request, always the same. */
  | { readonly name: 'repeat'; readonly request: Request }
  /** Requests one after another, and from the first again. Each connection begins at another. */
  | { readonly name: 'each'; readonly requests: readonly Request[] }
  /** From `/authorize` to tokens. `cookies`: of signed-in browsers, one a connection. */
  | { readonly name: 'code-flow'; readonly algorithm: Algorithm; readonly cookies: readonly string[] }
  /** A family of its own for each connection, begun by a code flow before the clock runs. */
  | { readonly name: 'refresh'; readonly algorithm: Algorithm; readonly cookies: readonly string[] }
  /** A browser that has never been here asks for authorization and sends the right password. */
  | { readonly name: 'sign-in'; readonly algorithm: Algorithm; readonly form: string; readonly origin: string }

/** `prepare` runs before the clock does. `turn` answers the body of the last answer. */
export interface Performance {
  prepare?(): Promise<void>
  turn(): Promise<string>
}

export function perform(scenario: Scenario, connection: Connection, place: number): Performance {
  switch (scenario.name) {
    case 'repeat':
      return { turn: async () => expecting(200, await connection.ask(scenario.request)).body }
    case 'each': {
      let next = place
      return {
        async turn() {
          const request = scenario.requests[next++ % scenario.requests.length] as Request
          return expecting(200, await connection.ask(request)).body
        },
      }
    }
    case 'code-flow': {
      const cookie = cookieFor(scenario.cookies, place)
      return { turn: () => codeFlow(connection, scenario.algorithm, cookie) }
    }
    case 'refresh':
      return refreshing(connection, scenario.algorithm, cookieFor(scenario.cookies, place))
    case 'sign-in':
      return { turn: () => signIn(connection, scenario) }
  }
}

const cookieFor = (cookies: readonly string[], place: number): string => cookies[place % cookies.length] ?? ''

function expecting(status: number, answer: Answer): Answer {
  if (answer.status === status) return answer
  throw new Error(`Answered ${answer.status} in place of ${status}: ${answer.body.slice(0, 500)}`)
}

async function codeFlow(
  connection: Connection,
  algorithm: Algorithm,
  cookie: string,
  lasting = false,
): Promise<string> {
  const target = authorizePath(algorithm, { lasting })
  const code = codeIn(expecting(303, await connection.ask({ method: 'GET', target, headers: { cookie } })))
  return tokens(connection, algorithm, {
    grant_type: 'authorization_code',
    redirect_uri: REDIRECT_URI,
    code,
    code_verifier: VERIFIER,
  })
}

function codeIn(answer: Answer): string {
  const location = answer.header('location') ?? ''
  const [, code] = /[?&]code=([^&]+)/.exec(location) ?? []
  if (code === undefined) throw new Error(`No code came back, but ${location}`)
  return decodeURIComponent(code)
}

async function tokens(
  connection: Connection,
  algorithm: Algorithm,
  parameters: Readonly<Record<string, string>>,
): Promise<string> {
  const client = applicationOf(algorithm)
  const answer = await connection.ask({
    method: 'POST',
    target: '/oauth/token',
    headers: { authorization: basic(client) },
    form: new URLSearchParams(parameters).toString(),
  })
  return expecting(200, answer).body
}

function refreshing(connection: Connection, algorithm: Algorithm, cookie: string): Performance {
  let token = ''
  const keep = (body: string): string => {
    token = JSON.parse(body).refresh_token
    return body
  }
  return {
    async prepare() {
      keep(await codeFlow(connection, algorithm, cookie, true))
    },
    turn: async () => keep(await tokens(connection, algorithm, { grant_type: 'refresh_token', refresh_token: token })),
  }
}

async function signIn(connection: Connection, scenario: Scenario & { name: 'sign-in' }): Promise<string> {
  const { algorithm, form, origin } = scenario
  const begun = expecting(303, await connection.ask({ method: 'GET', target: authorizePath(algorithm) }))
  const headers = { cookie: begun.cookies().join('; '), origin }
  const target = begun.header('location') ?? ''
  return expecting(303, await connection.ask({ method: 'POST', target, headers, form })).body
}
