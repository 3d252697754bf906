/** What goes wrong, as a table: who is told, how, and that it is told in the form that client libraries read. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as oidc from 'openid-client'
import { onEachStage, signIn } from './stage.ts'
import { JO, REDIRECT_URI, SECRETS, VIDEOS } from './tenant.ts'

/** RFC 6749 §4.1.2.1 and §5.2: printable ASCII but the quote and the backslash. */
const DESCRIPTION = /^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/

type Entries = readonly (readonly [string, string])[]

onEachStage('A fault at /authorize', stage => {
  const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
  const SOUND: Readonly<Record<string, string>> = {
    client_id: 'spa',
    redirect_uri: REDIRECT_URI,
    response_type: 'code',
    scope: 'openid',
    state: 'kept as it is: ü &="',
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
  }
  /** A parameter set to '' is left out; `more` is appended, so that it may repeat. */
  const request = (changes: Readonly<Record<string, string>>, more: Entries = []): URLSearchParams =>
    new URLSearchParams([
      ...Object.entries({ ...SOUND, ...changes }).filter(([, value]) => value !== ''),
      ...more.map(([name, value]): [string, string] => [name, value]),
    ])

  const ways = {
    GET: (parameters: URLSearchParams) =>
      fetch(new URL(`authorize?${parameters}`, stage.issuer), { redirect: 'manual' }),
    POST: (parameters: URLSearchParams) =>
      fetch(new URL('authorize', stage.issuer), { redirect: 'manual', method: 'POST', body: parameters }),
  } as const

  const shown: readonly [string, string, Readonly<Record<string, string>>, Entries?][] = [
    ['no client', 'unknown_client', { client_id: '' }],
    ['an unknown client', 'unknown_client', { client_id: 'nobody' }],
    ['a client in other letters', 'unknown_client', { client_id: 'SPA' }],
    ['two clients', 'unknown_client', {}, [['client_id', 'web']]],
    ['no redirect_uri', 'redirect_uri_missing', { redirect_uri: '' }],
    ['another redirect_uri', 'redirect_uri_mismatch', { redirect_uri: 'https://evil.example/callback' }],
    ['a longer redirect_uri', 'redirect_uri_mismatch', { redirect_uri: `${REDIRECT_URI}/more` }],
    ['a redirect_uri with a query', 'redirect_uri_mismatch', { redirect_uri: `${REDIRECT_URI}?a=b` }],
    ['a redirect_uri with a fragment', 'redirect_uri_mismatch', { redirect_uri: `${REDIRECT_URI}#a` }],
    ['a redirect_uri that only parses alike', 'redirect_uri_mismatch', { redirect_uri: `${REDIRECT_URI}/../callback` }],
    ['a redirect_uri with another port', 'redirect_uri_mismatch', { redirect_uri: 'http://localhost:6000/callback' }],
    ['a redirect_uri with a user', 'redirect_uri_mismatch', { redirect_uri: 'http://localhost:5999@evil.example/' }],
    ['a redirect_uri that is script', 'redirect_uri_mismatch', { redirect_uri: 'javascript:alert(1)//' }],
    ['two redirect_uri', 'redirect_uri_mismatch', {}, [['redirect_uri', 'https://evil.example/']]],
  ]
  for (const [fault, code, changes, more] of shown)
    test(`is shown to the person and redirects nowhere: ${fault}`, async () => {
      for (const way of [ways.GET, ways.POST]) {
        const response = await way(request(changes, more))
        const html = await response.text()
        assert.equal(response.status, 400)
        assert.equal(response.headers.get('location'), null)
        assert.match(response.headers.get('content-type') ?? '', /^text\/html/)
        assert.ok(html.includes(code), html)
        assert.ok(!/(?:href|action|src)="(?:javascript|https:\/\/evil)/.test(html))
      }
    })

  const redirected: readonly [string, string, Readonly<Record<string, string>>, Entries?][] = [
    ['no response_type', 'invalid_request', { response_type: '' }],
    ['an unknown response_type', 'unsupported_response_type', { response_type: 'cookie' }],
    ['an unknown response_mode', 'invalid_request', { response_mode: 'carrier_pigeon' }],
    ['a repeated parameter', 'invalid_request', {}, [['scope', 'openid email']]],
    ['a repeated state', 'invalid_request', {}, [['state', SOUND['state'] ?? '']]],
    ['a state beyond measure', 'invalid_request', { state: 's'.repeat(5000) }],
    ['a nonce beyond measure', 'invalid_request', { nonce: 'n'.repeat(2000) }],
    ['an unknown prompt', 'invalid_request', { prompt: 'politely' }],
    ['prompt=none with another', 'invalid_request', { prompt: 'none login' }],
    ['a max_age that is no number', 'invalid_request', { max_age: '-1' }],
    ['no PKCE of a public client', 'invalid_request', { code_challenge: '', code_challenge_method: '' }],
    ['plain PKCE', 'invalid_request', { code_challenge_method: 'plain' }],
    ['PKCE without a method', 'invalid_request', { code_challenge_method: '' }],
    ['a method without a challenge', 'invalid_request', { code_challenge: '' }],
    ['a challenge that is no digest', 'invalid_request', { code_challenge: 'short' }],
    ['an unknown audience', 'invalid_target', { audience: 'https://nobody.example/' }],
    [
      'an audience and another resource',
      'invalid_target',
      { audience: VIDEOS, resource: 'https://curves.example/api' },
    ],
    [
      'two resources, one of them unknown',
      'invalid_target',
      { resource: VIDEOS },
      [['resource', 'https://unknown.example/']],
    ],
    ['an unsigned request object', 'request_not_supported', { request: 'eyJhbGciOiJub25lIn0.e30.' }],
    ['a request object that is none', 'invalid_request_object', { request: 'x' }],
    ['a request object by reference', 'invalid_request_uri', { request_uri: 'https://evil.example/r' }],
    ['nobody signed in and prompt=none', 'login_required', { prompt: 'none' }],
  ]
  for (const [fault, error, changes, more] of redirected)
    test(`is told to the client with its state and our iss: ${fault}`, async () => {
      for (const way of changes['prompt'] === 'none' ? [ways.GET] : [ways.GET, ways.POST]) {
        const response = await way(request(changes, more))
        await response.arrayBuffer()
        assert.equal(response.status, 303)
        const location = response.headers.get('location') ?? ''
        assert.ok(location.startsWith(`${REDIRECT_URI}?`), location)
        const told = new URL(location).searchParams
        assert.equal(told.get('error'), error)
        assert.equal(told.get('state'), changes['state'] ?? SOUND['state'])
        assert.equal(told.get('iss'), stage.issuer)
        assert.equal(told.get('code'), null)
        assert.match(told.get('error_description') ?? '', DESCRIPTION)
        assert.equal(response.headers.get('cache-control'), 'no-store')
      }
    })

  test('is told without a state to a client that sent none', async () => {
    const response = await ways.GET(request({ state: '', prompt: 'none' }))
    assert.equal(new URL(response.headers.get('location') ?? '').searchParams.has('state'), false)
  })

  test('is told to a client that may not ask for people at all', async () => {
    const response = await ways.GET(request({ client_id: 'machine' }))
    assert.equal(response.status, 400, 'it has no address to be told at')
  })

  test('a request that is in order leads to the page, so that the faults above are what was refused', async () => {
    for (const way of [ways.GET, ways.POST]) {
      const response = await way(request({}))
      assert.equal(response.status, 303)
      assert.match(response.headers.get('location') ?? '', /^\/(?:login|authorize)\/[\w-]{43}$/)
    }
  })
})

onEachStage('A fault at /oauth/token', stage => {
  const AS_WEB = { client_id: 'web', client_secret: SECRETS.web }
  const AS_MACHINE = { grant_type: 'client_credentials', client_id: 'machine', audience: VIDEOS }
  const basic = (id: string, secret: string) => ({
    authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`,
  })

  interface Sent {
    readonly fields?: Readonly<Record<string, string>>
    readonly body?: string
    readonly type?: string
    readonly headers?: Readonly<Record<string, string>>
    readonly query?: string
  }

  const send = ({ fields = {}, body, type, headers = {}, query = '' }: Sent) =>
    fetch(new URL(`oauth/token${query}`, stage.issuer), {
      method: 'POST',
      body: body ?? new URLSearchParams(fields).toString(),
      headers: {
        origin: 'https://app.example',
        'content-type': type ?? 'application/x-www-form-urlencoded',
        ...headers,
      },
    })

  /** RFC 6749 §5.2, and what lets a script read it. */
  async function assertTold(response: Response, status: number, error: string): Promise<void> {
    const text = await response.text()
    const body = JSON.parse(text) as Record<string, unknown>
    assert.deepEqual([response.status, body['error']], [status, error], text)
    assert.match(response.headers.get('content-type') ?? '', /^application\/json/)
    assert.equal(response.headers.get('cache-control'), 'no-store')
    assert.equal(response.headers.get('access-control-allow-origin'), '*')
    assert.equal(response.headers.get('access-control-allow-credentials'), null)
    assert.match(String(body['error_description']), DESCRIPTION)
    for (const secret of Object.values(SECRETS)) assert.ok(!text.includes(secret), 'a secret is never repeated')
  }

  const faults: readonly [string, number, string, Sent][] = [
    ['nothing at all', 401, 'invalid_client', {}],
    ['no grant_type', 400, 'invalid_request', { fields: AS_WEB }],
    [
      'an unknown grant_type',
      400,
      'unsupported_grant_type',
      { fields: { ...AS_WEB, grant_type: 'password-of-sorts' } },
    ],
    [
      'a grant that is not the client’s',
      400,
      'unauthorized_client',
      { fields: { grant_type: 'client_credentials', client_id: 'spa', audience: VIDEOS } },
    ],
    [
      'an unknown client',
      401,
      'invalid_client',
      { fields: { ...AS_MACHINE, client_id: 'nobody', client_secret: 'x' } },
    ],
    ['a wrong secret', 401, 'invalid_client', { fields: { ...AS_MACHINE, client_secret: 'wrong' } }],
    ['an empty secret', 401, 'invalid_client', { fields: { ...AS_MACHINE, client_secret: '' } }],
    ['no secret of a client that has one', 401, 'invalid_client', { fields: AS_MACHINE }],
    [
      'a secret of a client that has none',
      401,
      'invalid_client',
      { fields: { grant_type: 'refresh_token', client_id: 'spa', client_secret: 'x' } },
    ],
    [
      'a client_id beside another in the header',
      401,
      'invalid_client',
      { fields: AS_MACHINE, headers: basic('web', SECRETS.web) },
    ],
    [
      'two ways of authentication',
      400,
      'invalid_request',
      { fields: { ...AS_MACHINE, client_secret: SECRETS.machine }, headers: basic('machine', SECRETS.machine) },
    ],
    [
      'a repeated parameter',
      400,
      'invalid_request',
      { body: `${new URLSearchParams({ ...AS_MACHINE, client_secret: SECRETS.machine })}&scope=a&scope=b` },
    ],
    ['a repeated member of JSON', 400, 'invalid_request', json({ ...AS_MACHINE, client_secret: ['a', 'b'] })],
    [
      'parameters in the query',
      400,
      'invalid_request',
      { fields: { ...AS_MACHINE, client_secret: SECRETS.machine }, query: '?audience=x' },
    ],
    ['a body beyond measure', 413, 'invalid_request', { fields: { grant_type: 'x'.repeat(70_000) } }],
    ['more parameters than anybody has', 400, 'invalid_request', { body: 'a=b&'.repeat(200) }],
    ['JSON that is none', 400, 'invalid_request', { type: 'application/json', body: '{"grant_type":' }],
    ['JSON that is no object', 400, 'invalid_request', { type: 'application/json', body: '["client_credentials"]' }],
    ['JSON with a number', 400, 'invalid_request', json({ ...AS_MACHINE, client_secret: 1 })],
    ['JSON with an object', 400, 'invalid_request', json({ ...AS_MACHINE, client_secret: { $ne: '' } })],
    ['a body of another type', 415, 'invalid_request', { type: 'text/plain', body: 'grant_type=password' }],
    ['a multipart body', 415, 'invalid_request', { type: 'multipart/form-data; boundary=x', body: '--x--' }],
    ['no code', 400, 'invalid_request', { fields: { ...AS_WEB, grant_type: 'authorization_code' } }],
    [
      'a code that never was',
      400,
      'invalid_grant',
      { fields: { ...AS_WEB, grant_type: 'authorization_code', code: 'x' } },
    ],
    ['no refresh token', 400, 'invalid_request', { fields: { ...AS_WEB, grant_type: 'refresh_token' } }],
    [
      'a refresh token that never was',
      400,
      'invalid_grant',
      { fields: { ...AS_WEB, grant_type: 'refresh_token', refresh_token: 'x' } },
    ],
  ]
  for (const [fault, status, error, sent] of faults)
    test(`is told as the RFC says: ${fault}`, async () => {
      const response = await send(sent)
      assert.equal(
        response.headers.get('www-authenticate'),
        status === 401 && sent.headers ? 'Basic realm="token", charset="UTF-8"' : null,
      )
      await assertTold(response, status, error)
    })

  test('names the scheme to a client that used the header, and only to that (it would hide the body from others)', async () => {
    for (const header of [basic('machine', 'wrong'), basic('nobody', 'x'), { authorization: 'Bearer x' }]) {
      const response = await send({ fields: { grant_type: 'client_credentials', audience: VIDEOS }, headers: header })
      assert.match(response.headers.get('www-authenticate') ?? '', /^Basic /)
      await assertTold(response, 401, 'invalid_client')
    }
  })

  test('does not tell an unknown client from a wrong secret', async () => {
    const [unknown, wrong] = await Promise.all(
      ['nobody', 'machine'].map(async id => {
        const response = await send({ fields: { ...AS_MACHINE, client_id: id, client_secret: 'wrong' } })
        return { status: response.status, body: await response.text() }
      }),
    )
    assert.deepEqual(unknown, wrong)
  })

  test('a code is refused to the wrong client, for the wrong address and with a wrong verifier', async () => {
    const spa = await stage.spa()
    const begun = await spa.begin()
    const callback = await stage.person().signIn(begun.url, JO)
    const right = {
      grant_type: 'authorization_code',
      client_id: 'spa',
      redirect_uri: REDIRECT_URI,
      code: callback.searchParams.get('code') ?? '',
      code_verifier: begun.checks.pkceCodeVerifier,
    }
    const { code_verifier: _, ...withoutVerifier } = right
    const { redirect_uri: __, ...withoutAddress } = right
    for (const fields of [
      { ...right, ...AS_WEB },
      { ...right, redirect_uri: `${REDIRECT_URI}/` },
      withoutAddress,
      withoutVerifier,
      { ...right, code_verifier: 'v'.repeat(43) },
      // The challenge itself is what an eavesdropper of the request has.
      { ...right, code_verifier: begun.url.searchParams.get('code_challenge') ?? '' },
    ])
      await assertTold(await send({ fields }), 400, 'invalid_grant')
    assert.equal((await send({ fields: right })).status, 200, 'and none of it cost the rightful one anything')
  })

  test('a verifier for a code that was given without a challenge is refused', async () => {
    const web = await stage.web()
    const begun = await web.begin({ code_challenge: '', code_challenge_method: '' })
    const callback = await stage.person().signIn(begun.url, JO)
    const fields = {
      ...AS_WEB,
      grant_type: 'authorization_code',
      redirect_uri: REDIRECT_URI,
      code: callback.searchParams.get('code') ?? '',
    }
    await assertTold(await send({ fields: { ...fields, code_verifier: 'v'.repeat(43) } }), 400, 'invalid_grant')
  })

  test('is an error that openid-client can name', async () => {
    const wrong = await stage.application('machine', { authentication: oidc.ClientSecretPost('wrong') })
    await assert.rejects(oidc.clientCredentialsGrant(wrong.configuration, { audience: VIDEOS }), (error: unknown) => {
      assert.ok(error instanceof oidc.ResponseBodyError)
      assert.deepEqual([error.error, error.status], ['invalid_client', 401])
      return true
    })
  })

  test('a token is refused at userinfo with the challenge of RFC 6750', async () => {
    const ask = (headers: Record<string, string>) => fetch(new URL('userinfo', stage.issuer), { headers })
    const none = await ask({})
    assert.equal(
      none.headers.get('www-authenticate'),
      'Bearer realm="userinfo"',
      '§3.1: no error where nothing was sent',
    )
    await assertTold(none, 401, 'invalid_token')
    const junk = await ask({ authorization: 'Bearer x.y.z' })
    assert.match(junk.headers.get('www-authenticate') ?? '', /^Bearer realm="userinfo", error="invalid_token"/)
    await assertTold(junk, 401, 'invalid_token')
    const { tokens } = await signIn(await stage.spa(), stage.person(), JO)
    const twice = await fetch(new URL('userinfo', stage.issuer), {
      method: 'POST',
      headers: { authorization: `Bearer ${tokens.access_token}` },
      body: new URLSearchParams({ access_token: tokens.access_token }),
    })
    assert.equal(twice.status, 400)
  })
})

function json(body: object): { type: string; body: string } {
  return { type: 'application/json', body: JSON.stringify(body) }
}

onEachStage('A page of another origin', stage => {
  test('may call the protocol endpoints with the headers that Auth0’s SDKs send', async () => {
    for (const path of ['oauth/token', 'userinfo', '.well-known/openid-configuration', '.well-known/jwks.json']) {
      const response = await fetch(new URL(path, stage.issuer), {
        method: 'OPTIONS',
        headers: {
          origin: 'https://app.example',
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'auth0-client,content-type',
        },
      })
      assert.equal(response.status, 204, path)
      assert.equal(response.headers.get('access-control-allow-origin'), '*')
      assert.equal(response.headers.get('access-control-allow-credentials'), null)
      const allowed = (response.headers.get('access-control-allow-headers') ?? '').toLowerCase().split(/, */)
      for (const header of ['content-type', 'authorization', 'auth0-client', 'dpop'])
        assert.ok(allowed.includes(header), header)
    }
  })

  test('may not read the pages that people see', async () => {
    for (const path of ['authorize', 'login/x', 'v2/logout', 'oidc/logout', 'signed-out']) {
      const response = await fetch(new URL(path, stage.issuer), { headers: { origin: 'https://app.example' } })
      await response.arrayBuffer()
      assert.equal(response.headers.get('access-control-allow-origin'), null, path)
    }
  })
})

onEachStage('A host that no tenant has', stage => {
  const ask = (url: string, host: string) => stage.server.latchkey.http.inject({ url, headers: { host } })

  test('is answered 421 everywhere but at the two health checks', async () => {
    for (const host of ['evil.example', 'localhost', '127.0.0.1:1', `${new URL(stage.issuer).host}.evil.example`]) {
      for (const path of ['/authorize', '/.well-known/openid-configuration', '/.well-known/jwks.json', '/userinfo'])
        assert.equal((await ask(path, host)).statusCode, 421, `${host}${path}`)
      for (const path of ['/healthz', '/readyz'])
        assert.deepEqual((await ask(path, host)).json(), { status: 'ok' }, `${host}${path}`)
    }
  })

  test('has no say in the issuer: the one that is stored is told, whatever the letters of the host', async () => {
    const { host } = new URL(stage.issuer)
    const { statusCode, body } = await ask('/.well-known/openid-configuration', host.toUpperCase())
    assert.equal(statusCode, 200)
    assert.equal(JSON.parse(body).issuer, stage.issuer)
  })
})
