import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, type RequestOptions, request as send } from 'node:http'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { startEdge, startService } from '../../tests/fixtures/edge.ts'

type EdgeOf = Parameters<typeof startEdge>[0]

/** A gateway before one service, for the time of a test. */
async function before(
  listener: Parameters<typeof startService>[0],
  options: Omit<EdgeOf, 'targets'>,
  run: (
    edge: Awaited<ReturnType<typeof startEdge>>,
    service: Awaited<ReturnType<typeof startService>>,
  ) => Promise<void>,
): Promise<void> {
  const service = await startService(listener)
  const edge = await startEdge({ ...options, targets: [{ url: service.url, weight: 1 }] })
  try {
    await run(edge, service)
  } finally {
    await edge.stop()
    await service.stop()
  }
}

async function ask(url: string, options: RequestOptions = {}, body?: string | Buffer): Promise<IncomingMessage> {
  const asking = send(url, { agent: false, ...options })
  asking.end(body)
  const [answer] = (await once(asking, 'response')) as [IncomingMessage]
  return answer
}

describe('what is carried', () => {
  it('is the request as it was admitted, and the answer as it came', async () => {
    await before(
      async (request, response) => {
        response.setHeader('set-cookie', ['a=1', 'b=2'])
        response.writeHead(201, { 'x-seen': request.headers['x-sent'], 'content-type': 'text/plain' })
        response.end(Buffer.from(`${request.method} ${request.url} ${await text(request)}`))
      },
      {},
      async edge => {
        const answer = await ask(
          `${edge.url}/a?b=c`,
          { method: 'POST', headers: { 'x-sent': 'ü' } },
          Buffer.from('hello'),
        )
        assert.equal(answer.statusCode, 201)
        assert.equal(answer.headers['x-seen'], 'ü')
        assert.deepEqual(answer.headers['set-cookie'], ['a=1', 'b=2'])
        assert.match(String(answer.headers['x-request-id']), /^[0-9a-f]{16}$/)
        assert.equal(await text(answer), 'POST /a?b=c hello')
      },
    )
  })
})
