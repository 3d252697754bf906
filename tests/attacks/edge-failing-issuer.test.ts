/**
 * An issuer whose keys cannot be had, or are none, while many ask at once: a gateway that comes back to the fetch before it
 * is over crashes, one that gives up lets everybody in, and one that asks for each request brings the issuer down.
 */
import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { createSigner, signToken } from '../../sdk/testing/forge.ts'
import { AUDIENCE } from '../fixtures/key-publisher.ts'
import { type GatewayStage, setGatewayStage } from './gateway-stage.ts'

const AT_ONCE = 50

const FAILURES: Readonly<Record<string, RequestListener>> = {
  'hangs up': request => request.socket.destroy(),
  'answers 500': (_request, response) => response.writeHead(500).end('{}'),
  'answers no JSON': (_request, response) => response.end('<html>keys</html>'),
  'answers JSON that is none of keys': (_request, response) => response.end('[null]'),
  'has no keys': (_request, response) => response.end('{"keys":[]}'),
  'has keys that are none': (_request, response) =>
    response.end(
      '{"keys":[null,1,{},{"kty":"EC"},{"kty":"oct","k":"","kid":"k1"},{"kty":"RSA","n":"","e":"","kid":"k1"}]}',
    ),
  'breaks off': (_request, response) => {
    response.writeHead(200, { 'content-length': 1000 }).write('{"keys":[')
    setTimeout(() => response.destroy(), 5)
  },
  'answers without an end': (_request, response) => {
    const more = setInterval(() => response.write(' '.repeat(65_536)), 1)
    response.on('close', () => clearInterval(more))
  },
  'leads elsewhere': (_request, response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end(),
}

for (const [what, failure] of Object.entries(FAILURES))
  describe(`An issuer that ${what}`, () => {
    let stage: GatewayStage
    before(async () => {
      stage = await setGatewayStage()
      stage.publisher.replace(failure)
    })
    after(() => stage?.close())

    const ask = async (token: string): Promise<number> => {
      const answer = await fetch(new URL('/videos/1', stage.gateway.url), {
        headers: { authorization: `Bearer ${token}` },
      })
      await answer.arrayBuffer()
      return answer.status
    }

    test('has nobody let in, nobody crash, and is asked by one for all', async () => {
      const statuses = await Promise.all(
        Array.from({ length: AT_ONCE }, async (_, at) => ask(await stage.publisher.token({ jti: `${at}` }))),
      )
      assert.ok(
        statuses.every(status => status === 503 || status === 401),
        String(new Set(statuses)),
      )
      assert.deepEqual(stage.reached, [])
      assert.ok(stage.publisher.asked <= 3, `it was asked ${stage.publisher.asked} times`)
    })
  })

describe('An issuer that fails later', () => {
  let stage: GatewayStage
  before(async () => {
    stage = await setGatewayStage()
  })
  after(() => stage?.close())

  const ask = async (token: string): Promise<number> => {
    const answer = await fetch(new URL('/videos/1', stage.gateway.url), {
      headers: { authorization: `Bearer ${token}` },
    })
    await answer.arrayBuffer()
    return answer.status
  }

  test('has its known keys believed, and no others, however many strangers name one', async () => {
    assert.equal(await ask(stage.token), 200)
    stage.publisher.replace(request => request.socket.destroy())
    const asked = stage.publisher.asked
    const stranger = await createSigner('ES256', 'k2')
    const strangers = await Promise.all(
      Array.from({ length: AT_ONCE }, (_, at) =>
        signToken(
          stranger,
          { iss: stage.publisher.issuer, aud: AUDIENCE, sub: `${at}`, exp: Date.now() },
          { kid: `k${at}` },
        ),
      ),
    )
    const statuses = await Promise.all(strangers.map(ask))
    assert.ok(
      statuses.every(status => status === 401 || status === 503),
      String(new Set(statuses)),
    )
    assert.ok(stage.publisher.asked - asked <= 2, `it was asked ${stage.publisher.asked - asked} times`)
    assert.deepEqual(await Promise.all([stage.token, await stage.publisher.token({ jti: 'new' })].map(ask)), [200, 200])
  })
})
