/**
 * One person signing in to the example: the requests that a browser and the app would send, without either. It trusts
 * nothing about the pages but that `/login/:id` takes `username` and `password`.
 */
import { randomSecret, sha256 } from '../server/kernel/secrets.ts'

export interface Account {
  readonly email: string
  readonly password: string
}

/** As `npm start` registers the example, wherever it runs. */
const CLIENT_ID = '24-hour-video'
const AUDIENCE = 'https://24-hour-video.example/api'

/** More redirects than any sign-in takes: beyond it, two pages send the browser back and forth. */
const LONGEST_WALK = 10

/** From `/authorize` to tokens, as a browser that has never been here. Throws with the first answer that leads nowhere. */
export async function signIn(issuer: string, redirectUri: string, account: Account): Promise<void> {
  const [state, verifier] = [randomSecret(), randomSecret()]
  const authorize = new URL('authorize', issuer)
  authorize.search = new URLSearchParams({
    client_id: CLIENT_ID,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'openid profile email offline_access',
    audience: AUDIENCE,
    state,
    nonce: randomSecret(),
    code_challenge: sha256(verifier),
    code_challenge_method: 'S256',
  }).toString()

  const landing = await walk(authorize, redirectUri, account)
  const code = landing.searchParams.get('code')
  if (!code || landing.searchParams.get('state') !== state) throw new Error(`No code came back: ${landing.search}`)

  const answer = await fetch(new URL('oauth/token', issuer), {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: CLIENT_ID,
      redirect_uri: redirectUri,
      code,
      code_verifier: verifier,
    }),
  })
  const body = (await answer.json()) as { access_token?: unknown; error?: unknown }
  if (answer.status !== 200 || typeof body.access_token !== 'string') {
    throw new Error(`The code was answered with ${answer.status} ${body.error}`)
  }
}

/** Follows redirects, fills in the one form on the way, and stops before the application's own address. */
async function walk(from: URL, redirectUri: string, account: Account): Promise<URL> {
  const cookies = new Map<string, string>()
  let url = from
  let form: URLSearchParams | undefined
  for (let step = 0; step < LONGEST_WALK; step += 1) {
    const response = await request(url, cookies, form)
    const location = response.headers.get('location')
    if (location !== null) {
      form = undefined
      url = new URL(location, url)
      if (url.href.startsWith(redirectUri)) return url
    } else if (response.status === 200 && url.pathname.startsWith('/login/') && !form) {
      form = new URLSearchParams({ username: account.email, password: account.password })
    } else {
      throw new Error(`${form ? 'POST' : 'GET'} ${url.pathname} was answered with ${response.status}`)
    }
  }
  throw new Error(`The sign-in did not end after ${LONGEST_WALK} pages, the last of them ${url.pathname}`)
}

async function request(url: URL, cookies: Map<string, string>, form: URLSearchParams | undefined): Promise<Response> {
  const headers = { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '), origin: url.origin }
  const response = await fetch(url, { redirect: 'manual', headers, ...(form && { method: 'POST', body: form }) })
  await response.arrayBuffer()
  for (const line of response.headers.getSetCookie()) {
    const [pair = ''] = line.split(';')
    const [name = ''] = pair.split('=', 1)
    cookies.set(name, pair.slice(name.length + 1))
  }
  return response
}
