import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Example, startExample } from './server.ts'

const API = 'http://edge.example:4001'

describe('the page of the example', () => {
  const issuer = 'http://login.example:4000/'
  let example: Example

  before(async () => {
    example = await startExample({ port: 0, issuer, api: API })
  })
  after(() => example.close())

  const get = (path: string, headers: Record<string, string> = {}) => fetch(new URL(path, example.url), { headers })

  test('the page is held to what it needs, and knows where to sign in', async () => {
    const response = await get('/')
    const policy = response.headers.get('content-security-policy') as string
    const origin = issuer.slice(0, -1)
    assert.ok(policy.includes(`connect-src 'self' ${origin} ${API} ws://edge.example:4001;`))
    assert.ok(policy.includes(`frame-src ${origin};`))
    assert.ok(policy.includes("script-src 'self';"))
    assert.ok(policy.includes('worker-src blob:;'))
    assert.ok(!policy.includes('unsafe'))
    assert.deepEqual(await (await get('/config.json')).json(), {
      issuer,
      clientId: '24-hour-video',
      lockClientId: '24-hour-video-lock',
      audience: 'https://24-hour-video.example/api',
      api: API,
    })
  })

  test('the page with Lock is lent what Lock needs, and it alone', async () => {
    const policyOf = async (path: string) => (await get(path)).headers.get('content-security-policy') ?? ''
    const policy = await policyOf('/lock.html')
    assert.ok(policy.includes(`script-src 'self' ${issuer.slice(0, -1)};`))
    assert.ok(policy.includes("style-src 'self' 'unsafe-inline';"))
    assert.ok(!(await policyOf('/lock.js')).includes('unsafe'))
  })

  test('every file the page names is served, with its type', async () => {
    const seen = new Set<string>()
    const visit = async (path: string): Promise<void> => {
      if (seen.has(path)) return
      seen.add(path)
      const response = await get(path)
      assert.equal(response.status, 200, path)
      if (path.startsWith('/vendor/')) return
      const text = await response.text()
      for (const [, next] of text
        .matchAll(/(?:src|href)="(\/[^"]+)"|(?:from|import\() ?'(\.?\/[^']+)'/g)
        .map(([, one, other]) => [0, one ?? other]))
        await visit(new URL(String(next), new URL(path, 'http://x/')).pathname)
    }
    await visit('/')
    assert.ok(seen.has('/scenes.js') && seen.has('/vendor/auth0-spa-js.js') && seen.has('/vendor/socket.io.js'))
    const script = await get('/vendor/auth0-spa-js.js')
    assert.equal(script.headers.get('content-type'), 'text/javascript; charset=utf-8')
    assert.match(await script.text(), /Auth0Client/)
  })

  test('a file seen before is not sent again', async () => {
    const etag = (await get('/app.js')).headers.get('etag') as string
    const response = await get('/app.js', { 'if-none-match': etag })
    assert.equal(response.status, 304)
    assert.equal(await response.text(), '')
  })

  test('nothing else is served', async () => {
    for (const path of [
      '/server.ts',
      '/tenant.yaml',
      '/../server.ts',
      '/%2e%2e/server.ts',
      '/public/app.js',
      '/constructor',
      '/api/videos',
    ])
      assert.equal((await get(path)).status, 404, path)
    const wrong = await fetch(example.url, { method: 'POST' })
    assert.deepEqual([wrong.status, wrong.headers.get('allow')], [405, 'GET, HEAD'])
  })

  test('a taken port is an error that says so', async () => {
    const port = Number(new URL(example.url).port)
    await assert.rejects(startExample({ port, issuer, api: API }), { code: 'EADDRINUSE' })
  })
})
