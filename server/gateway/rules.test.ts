import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { edgePlan } from '../../tests/fixtures/edge.ts'
import { systemClock } from '../kernel/clock.ts'
import { silentLog } from '../kernel/log.ts'
import { keepHere } from './credentials/open-credentials.ts'
import { factsOf } from './issuers.ts'
import type { EdgePlan } from './plan.ts'
import { openRules } from './rules.ts'
import { openSight } from './sight/sight.ts'

/** An issuer that tells of one revocation, for as long as it knows who asks, and what follows it. */
async function startIssuer() {
  let streams = 0
  let isKnown = true
  const issuing = createServer((request, response) => {
    const answer = {
      '/.well-known/openid-configuration': { issuer, token_endpoint: `${issuer}token`, jwks_uri: `${issuer}jwks` },
      '/token': isKnown && { access_token: 'a', token_type: 'Bearer', expires_in: 3600 },
    }[request.url ?? '']
    if (answer) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
      return
    }
    if (!isKnown) {
      response.writeHead(401).end()
      return
    }
    streams++
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const tell = (event: string, data: unknown) =>
      response.write(`event: ${event}\nid: 1\ndata: ${JSON.stringify(data)}\n\n`)
    tell('hello', { issuers: [issuer] })
    tell('entries', [['token', 'revoked', null, 4_000_000_000]])
    tell('reading', { at: 0 })
    response.on('close', () => streams--)
  })
  await once(issuing.listen(0, '127.0.0.1'), 'listening')
  const issuer = `http://127.0.0.1:${(issuing.address() as AddressInfo).port}/`
  const plan = {
    ...edgePlan({ targets: [] }),
    issuers: [
      {
        issuer,
        url: issuer,
        allowHttp: true,
        algorithms: ['RS256' as const],
        client: { id: 'edge', secret: 'secret' },
        hs256: [],
        followsRevocations: true,
      },
    ],
  }
  after(() => {
    issuing.closeAllConnections()
    issuing.close()
  })
  return {
    plan,
    parts: await partsOf(plan),
    streams: () => streams,
    forget: () => {
      isKnown = false
    },
  }
}

async function partsOf(plan: EdgePlan) {
  return {
    clock: systemClock,
    log: silentLog,
    sight: await openSight(plan, silentLog),
    kept: keepHere(systemClock),
  }
}

test('rules that cannot be opened follow nobody', async () => {
  const { plan, parts, streams } = await startIssuer()
  const rules = await openRules(plan, parts)
  after(() => rules.stop())
  while (streams() === 0) await pause(5)
  const broken = { ...plan, decryptionKeys: [{ kid: null, text: 'no key', file: 'key.pem' }] }
  await assert.rejects(openRules(broken, { ...parts, before: rules }), /no private key/)
  await pause(200)
  assert.equal(streams(), 1, 'those in force go on with what they had')
  await rules.stop()

  await assert.rejects(openRules(broken, parts), /no private key/)
  await pause(200)
  assert.equal(streams(), 0)
})

test('what was revoked stays so where a reload asks the issuer in another way, and it does not answer', async () => {
  const { plan, parts, forget } = await startIssuer()
  const rules = await openRules(plan, parts)
  after(() => rules.stop())
  const [revoked, sound] = [factsOf({ jti: 'revoked' }), factsOf({ jti: 'sound' })]
  while (!rules.issuers[0]?.revocations?.isRevoked(revoked)) await pause(5)

  forget()
  let before = rules
  for (const secret of ['wrong', 'wrong again']) {
    const issuers = plan.issuers.map(one => ({ ...one, client: { id: 'edge', secret } }))
    const next = await openRules({ ...plan, issuers }, { ...parts, before })
    await before.stop(next)
    before = next
    const { revocations } = next.issuers[0] ?? assert.fail('there is an issuer')
    assert.equal(revocations?.age(), Number.POSITIVE_INFINITY)
    assert.deepEqual([revocations?.isRevoked(revoked), revocations?.isRevoked(sound)], [true, false])
  }
  await before.stop()
})
