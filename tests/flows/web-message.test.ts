/** `response_mode=web_message`: what a page of an application that frames or opens this one is told. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Stop } from '../fixtures/person.ts'
import { askSilently, onEachStage, signIn } from './stage.ts'
import { JO, REDIRECT_URI, WEB_ORIGIN } from './tenant.ts'

interface Message {
  readonly type: string
  readonly response: Readonly<Record<string, string>>
  readonly target: string
}

/** As the browser would read the script: the nonce has to be the one of the policy. */
function messageOf({ html, headers }: Stop): Message {
  const policy = headers.get('content-security-policy') ?? ''
  const [, nonce] = /script-src 'nonce-([^']+)'/.exec(policy) ?? []
  const scripts = [...html.matchAll(/<script nonce="([^"]+)">(.*?)<\/script>/gs)]
  assert.equal(scripts.length, 1)
  const [, scriptNonce, script = ''] = scripts[0] ?? []
  assert.equal(scriptNonce, nonce)
  const [, message = '', target = ''] = /postMessage\((\{.*\}), ("[^"]*")\)$/s.exec(script) ?? []
  return { ...JSON.parse(message), target: JSON.parse(target) }
}

onEachStage('A web message', stage => {
  test('carries the code to the origin of the redirect URI, and to no other', async () => {
    const person = stage.person()
    const spa = await stage.spa()
    await signIn(spa, person, JO)
    const begun = await spa.begin({ prompt: 'none', response_mode: 'web_message' })
    const stop = await person.visit(begun.url)
    const { type, response, target } = messageOf(stop)
    assert.deepEqual([stop.status, type, target], [200, 'authorization_response', WEB_ORIGIN])
    assert.equal(response['state'], begun.checks.expectedState)
    assert.equal(response['iss'], stage.issuer)
    assert.equal(response['error'], undefined)

    const callback = new URL(`${REDIRECT_URI}?${new URLSearchParams(response)}`)
    assert.equal((await spa.finish(callback, begun)).claims()?.['email'], JO.email)
  })

  test('may be framed and keeps its opener, since both are how it is received', async () => {
    const begun = await (await stage.spa()).begin({ prompt: 'none', response_mode: 'web_message' })
    const { headers } = await stage.person().visit(begun.url)
    assert.ok(!headers.get('content-security-policy')?.includes('frame-ancestors'))
    assert.equal(headers.get('x-frame-options'), null)
    assert.equal(headers.get('cross-origin-opener-policy'), null)
    assert.match(headers.get('content-type') ?? '', /^text\/html/)
    assert.equal(headers.get('cache-control'), 'no-store')
  })

  test('carries errors the same way, with the state', async () => {
    const begun = await (await stage.spa()).begin({ prompt: 'none', response_mode: 'web_message' })
    const { response, target } = messageOf(await stage.person().visit(begun.url))
    assert.equal(response['error'], 'login_required')
    assert.equal(response['error_description'], 'Login required')
    assert.equal(response['state'], begun.checks.expectedState)
    assert.equal(response['iss'], stage.issuer)
    assert.equal(response['code'], undefined)
    assert.equal(target, WEB_ORIGIN)
  })

  test('holds whatever was sent as state as text, not as script', async () => {
    const state = `</script><script>alert(1)</script><!-- \u2028 " \\ ' $& -->`
    const begun = await (await stage.spa()).begin({ prompt: 'none', response_mode: 'web_message', state })
    assert.equal(messageOf(await stage.person().visit(begun.url)).response['state'], state)
  })

  test('is told of faults in the request too', async () => {
    const begun = await (await stage.spa()).begin({ response_mode: 'web_message', code_challenge_method: 'plain' })
    assert.equal(messageOf(await stage.person().visit(begun.url)).response['error'], 'invalid_request')
  })

  test('may name the bare web origin in place of a redirect URI, which an answer by redirect may not', async () => {
    const person = stage.person()
    const spa = await stage.spa()
    const message = await person.visit(
      (await spa.begin({ prompt: 'none', response_mode: 'web_message', redirect_uri: WEB_ORIGIN })).url,
    )
    assert.equal(messageOf(message).target, WEB_ORIGIN)
    const redirect = await person.visit((await spa.begin({ prompt: 'none', redirect_uri: WEB_ORIGIN })).url)
    assert.deepEqual([redirect.status, redirect.left], [400, false])
    const foreign = await person.visit(
      (await spa.begin({ prompt: 'none', response_mode: 'web_message', redirect_uri: 'https://evil.example' })).url,
    )
    assert.equal(foreign.status, 400)
    assert.ok(foreign.headers.get('content-security-policy')?.includes("frame-ancestors 'none'"))
  })

  test('waits for the person in a popup as an answer by redirect does', async () => {
    const person = stage.person()
    const spa = await stage.spa()
    const begun = await spa.begin({ response_mode: 'web_message' })
    const stop = await person.submit(await person.visit(begun.url), { username: JO.email, password: JO.password })
    assert.ok(messageOf(stop).response['code'])
    const { callback } = await askSilently(spa, person)
    assert.ok(callback.searchParams.get('code'))
  })
})
