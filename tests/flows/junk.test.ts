/** Nothing that a client sends is our fault: junk in every place of every route, and never a 500. */
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { UNPROTECTED } from '../attacks/stage.ts'
import { createPerson } from '../fixtures/person.ts'
import { applyTo } from '../fixtures/server.ts'
import { onEachStage } from './stage.ts'
import { JO, REDIRECT_URI, SECRETS, VIDEOS } from './tenant.ts'

/** Each has broken some server: what no text column takes, what no decoder takes, what is too long for an index. */
const JUNK: readonly string[] = [
  '\u0000',
  'a\u0000b@example.com',
  '\ud800',
  '💥'.repeat(50),
  'x'.repeat(9000),
  '../../etc/passwd',
  '%00%ff%',
  `'"; drop table users; --`,
  '{{ 7 | times: 7 }}<script>',
  '__proto__',
  'constructor',
  '[]',
  'null',
  '-1e999',
  '\r\nset-cookie: a=b',
]

/** Every route there is, from Fastify's own table: a new one is here by itself. */
function routesOf(table: string): { path: string; methods: readonly string[] }[] {
  const parents: string[] = []
  return table.split('\n').flatMap(line => {
    const [, indent = '', segment, methods] = /^([│ ]*[├└]── )(\S*)(?: \(([A-Z, ]+)\))?$/.exec(line) ?? []
    if (segment === undefined) return []
    const depth = indent.length / 4 - 1
    const path = (parents[depth - 1] ?? '') + segment
    parents[depth] = path
    return methods ? [{ path, methods: methods.split(', ') }] : []
  })
}

/** Whatever a form or a query of ours may hold. */
const NAMES = [
  ...['client_id', 'client_secret', 'grant_type', 'code', 'code_verifier', 'refresh_token', 'redirect_uri'],
  ...['response_type', 'response_mode', 'scope', 'state', 'nonce', 'audience', 'resource', 'prompt', 'max_age'],
  ...['login_hint', 'screen_hint', 'ui_locales', 'code_challenge', 'code_challenge_method', 'language'],
  ...['username', 'email', 'password', 'decision', 'returnTo', 'id_token_hint', 'post_logout_redirect_uri'],
  ...['connection', 'claims', 'acr_values', 'claims_locales', 'display', 'session', 'account', 'client', 'shown'],
  ...['access_token', 'request', 'request_uri'],
]

/** What a request needs to get as far as the part that reads the junk. */
const SOUND: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '/authorize': {
    client_id: 'web',
    redirect_uri: REDIRECT_URI,
    response_type: 'code',
    scope: 'openid',
  },
  '/oauth/token': {
    client_id: 'web',
    client_secret: SECRETS.web,
    grant_type: 'client_credentials',
    audience: VIDEOS,
  },
}

/** One parameter at a time where the others are checked first, and otherwise all at once. */
const requestsWith = (path: string, value: string): Readonly<Record<string, string>>[] => {
  const sound = SOUND[path]
  return sound
    ? NAMES.map(name => ({ ...sound, [name]: value }))
    : [Object.fromEntries(NAMES.map(name => [name, value]))]
}

/** Parameter by parameter what no form can carry; of the rest, which a form has brought just the same, one parameter. */
const isForJson = (path: string, fields: Readonly<Record<string, string>>, value: string): boolean =>
  !SOUND[path] || !value.isWellFormed() || fields['scope'] === value

onEachStage('Junk', stage => {
  // A thousand forms of junk are guesses too.
  before(() => applyTo(stage.server.latchkey, { attackProtection: UNPROTECTED }))

  interface Sent {
    readonly method: string
    readonly url: string
    readonly headers?: Readonly<Record<string, string>>
    readonly payload?: string
  }

  /** Without a socket: a browser's or a library's own rules would keep much of it back. */
  async function assertHarmless({ method, url, headers = {}, payload }: Sent): Promise<void> {
    const { http } = stage.server.latchkey
    const answer = await http.inject({
      method: method as 'GET',
      url,
      headers: { host: new URL(stage.issuer).host, ...headers },
      ...(payload !== undefined && { payload }),
    })
    const said = `${method} ${url.slice(0, 200)} ${payload?.slice(0, 200) ?? ''}: ${answer.statusCode} ${answer.body.slice(0, 300)}`
    assert.ok(answer.statusCode < 500, said)
    assert.equal(answer.headers['x-powered-by'], undefined)
    assert.ok(!answer.cookies.some(({ name }) => name === 'a'), said)
  }

  const routes = () => routesOf(stage.server.latchkey.http.printRoutes())
  const withPath = (path: string, part: string) => path.replace(/:\w+|\*/g, part)

  test('meets every route there is', () => {
    const known = routes().map(({ path }) => path)
    const some = ['/authorize', '/authorize/:id', '/oauth/token', '/userinfo', '/login/:id/consent', '/healthz']
    for (const path of [...some, '/api/v2/*', '/api/v2/revocations/stream'])
      assert.ok(known.includes(path), `${path} is not among ${known.join(' ')}`)
  })

  test('in a path is no id of ours', async () => {
    for (const { path, methods } of routes())
      for (const part of JUNK)
        for (const method of methods)
          await assertHarmless({
            method,
            url: withPath(path, encodeURIComponent(part.toWellFormed()).slice(0, 2000)),
          })
  })

  test('in a query, a form or JSON is at most a bad request', async () => {
    for (const { path, methods } of routes())
      for (const value of JUNK)
        for (const fields of requestsWith(path, value)) {
          const url = withPath(path, 'x')
          const form = new URLSearchParams(fields).toString()
          if (methods.includes('GET')) await assertHarmless({ method: 'GET', url: `${url}?${form}` })
          if (!methods.includes('POST')) continue
          const bodies = { 'application/x-www-form-urlencoded': form, 'application/json': JSON.stringify(fields) }
          for (const [type, payload] of Object.entries(bodies))
            if (type !== 'application/json' || isForJson(path, fields, value))
              await assertHarmless({ method: 'POST', url, headers: { 'content-type': type }, payload })
        }
  })

  test('in cookies and headers is nobody’s session and nobody’s secret', async () => {
    for (const { path, methods } of routes())
      for (const value of ['', 'x', '"', '%00', 'x'.repeat(6000), '\u00ff\u0080', '=;=;', '__proto__']) {
        const url = `${withPath(path, 'x')}${SOUND[path] ? `?${new URLSearchParams(SOUND[path])}` : ''}`
        for (const method of methods)
          await assertHarmless({
            method,
            url,
            headers: {
              cookie: `latchkey.session=${value}; latchkey.browser=${value}; latchkey.language=${value}`,
              authorization: value,
              'accept-language': value,
              'user-agent': value,
              origin: value,
              'if-none-match': value,
              'x-forwarded-host': value,
              'x-forwarded-for': value,
            },
          })
      }
  })

  test('in a credential in the header is a client that failed to authenticate', async () => {
    for (const junk of [...JUNK, ':', 'web:', ':x', 'web:%', '%zz:%zz', `web:${SECRETS.web}`])
      for (const scheme of ['Basic', 'basic', 'Bearer', 'DPoP', ''])
        for (const path of ['/oauth/token', '/userinfo'])
          await assertHarmless({
            method: 'POST',
            url: path,
            headers: {
              authorization: `${scheme} ${Buffer.from(junk).toString('base64')}`,
              'content-type': 'application/x-www-form-urlencoded',
            },
            payload: 'grant_type=client_credentials',
          })
  })

  test('by a method that a route does not have is not allowed, and told which are', async () => {
    const { http } = stage.server.latchkey
    for (const { path, methods } of routes())
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE'] as const) {
        if (methods.includes(method)) continue
        const answer = await http.inject({
          method: method as 'GET',
          url: withPath(path, 'x'),
          headers: { host: new URL(stage.issuer).host },
        })
        assert.equal(answer.statusCode, 405, `${method} ${path}`)
        const allowed = String(answer.headers['allow']).split(', ')
        assert.deepEqual(
          methods.filter(one => !allowed.includes(one)),
          [],
          path,
        )
      }
  })

  test('typed into the pages is a wrong address or a wrong password', async () => {
    const person = createPerson(stage.issuer)
    const page = await person.visit((await (await stage.spa()).begin()).url)
    for (const value of JUNK)
      for (const fields of [
        { username: value, password: 'some password' },
        { username: JO.email, password: value },
      ])
        assert.ok((await person.submit(page, fields)).status < 500, JSON.stringify(fields).slice(0, 100))
    const signUp = await person.visit(new URL(`${page.url.pathname}/sign-up`, stage.issuer))
    for (const value of JUNK)
      assert.ok((await person.submit(signUp, { email: value, password: 'some password' })).status < 500)
  })

  test('that was understood travels through a sign-in and back unharmed', async () => {
    const web = await stage.web()
    for (const state of JUNK.filter(text => text.length < 4000)) {
      const begun = await web.begin({ state, login_hint: state, ui_locales: state, screen_hint: state })
      const callback = await createPerson(stage.issuer).signIn(begun.url, JO)
      assert.equal(callback.searchParams.get('state'), state.toWellFormed())
      assert.equal(callback.href.split('?')[0], REDIRECT_URI)
    }
  })
})
