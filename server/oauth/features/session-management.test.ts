import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { runInNewContext } from 'node:vm'
import { anIncoming } from '../../../tests/fixtures/records.ts'
import type { OAuthServices } from '../feature.ts'
import { sessionManagement, sessionState } from './session-management.ts'

const ORIGIN = 'https://app.example'

async function page(issuer: string) {
  const [route] = sessionManagement.routes?.({} as OAuthServices, []) ?? []
  const answer = await route?.answer({ ...anIncoming(), issuer })
  const [, script = ''] = /<script>(.*)<\/script>/s.exec(String(answer?.body)) ?? []
  return { script, headers: answer?.headers ?? {} }
}

interface Event {
  readonly data: unknown
  readonly origin: string
  readonly source: { postMessage(status: string, origin: string): void } | null
}

/** The frame in a browser that has these cookies: what it answers to a message, or undefined for nothing. */
async function frame(cookie: string, issuer = 'https://login.example/') {
  const { script } = await page(issuer)
  let receive = (_event: Event): void => {}
  const listen = (_type: string, listener: typeof receive) => {
    receive = listener
  }
  // As old a browser as there is: nothing but the language and what the script may rely on.
  const globals = { window: { addEventListener: listen }, document: { cookie }, unescape, encodeURIComponent }
  runInNewContext(script, globals)
  return (data: unknown, origin = ORIGIN): string | undefined => {
    let answered: string | undefined
    receive({
      data,
      origin,
      source: {
        postMessage(status, target) {
          assert.equal(target, origin)
          answered = status
        },
      },
    })
    return answered
  }
}

describe('the frame that applications ask', () => {
  const state = 'the-state'
  const told = `app ${sessionState('app', ORIGIN, state, 'salt')}`

  test('says that nothing changed while the browser’s state is what the answer was made with', async () => {
    const ask = await frame(`a=b; __Host-latchkey.state=${state}; c=d`)
    assert.equal(ask(told), 'unchanged')
  })

  for (const [why, cookie, message, origin] of [
    ['the state is another', '__Host-latchkey.state=another', told, ORIGIN],
    ['there is none', '', told, ORIGIN],
    ['the cookie is of another name', `not__Host-latchkey.state=${state}; latchkey.state=${state}`, told, ORIGIN],
    ['another application asks', `__Host-latchkey.state=${state}`, told.replace('app', 'other'), ORIGIN],
    ['another site asks', `__Host-latchkey.state=${state}`, told, 'https://evil.example'],
  ] as const)
    test(`says that it changed when ${why}`, async () =>
      assert.equal((await frame(cookie))(message, origin), 'changed'))

  test('says that it makes nothing of anything else', async () => {
    const ask = await frame('')
    for (const message of ['', 'app', 'app hash', `app ${'0'.repeat(64)}`, 'a b c', { an: 'object' }, 1, null])
      assert.equal(ask(message), 'error', JSON.stringify(message))
  })

  test('answers nobody who has no origin', async () => assert.equal((await frame(''))(told, 'null'), undefined))

  test('hashes as everybody does, however long and in whatever script', async () => {
    const { script } = await page('http://login.example/')
    const inside = script.replace(/\}\)\(\)\s*$/, 'result = sha256(bytesOf(input))})()')
    for (const input of [...Array.from({ length: 140 }, (_, length) => 'x'.repeat(length)), 'ünï 안녕 😀']) {
      const globals = {
        window: { addEventListener() {} },
        document: { cookie: '' },
        unescape,
        encodeURIComponent,
        input,
        result: '',
      }
      runInNewContext(inside, globals)
      assert.equal(globals.result, createHash('sha256').update(input).digest('hex'), input)
    }
  })

  test('may be framed by every site, runs its one script, and is kept', async () => {
    const { script, headers } = await page('https://login.example/')
    const digest = createHash('sha256').update(script).digest('base64')
    assert.equal(
      headers['content-security-policy'],
      `default-src 'none'; script-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'`,
    )
    assert.equal(headers['x-frame-options'], undefined)
    assert.match(headers['cache-control'] ?? '', /^public/)
  })
})
