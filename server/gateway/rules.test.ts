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
import { openRules } from './rules.ts'
import { openSight } from './sight/sight.ts'

test('rules that cannot be opened follow nobody', async () => {
  let streams = 0
  const issuing = createServer((request, response) => {
    const answer = {
      '/.well-known/openid-configuration': { issuer, token_endpoint: `${issuer}token`, jwks_uri: `${issuer}jwks` },
      '/token': { access_token: 'a', token_type: 'Bearer', expires_in: 3600 },
    }[request.url ?? '']
    if (answer) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
      return
    }
    streams++
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
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
  const parts = {
    clock: systemClock,
    log: silentLog,
    sight: await openSight(plan, silentLog),
    kept: keepHere(systemClock),
  }

  const rules = await openRules(plan, parts)
  after(async () => {
    await rules.stop()
    issuing.closeAllConnections()
    issuing.close()
  })
  while (streams === 0) await pause(5)
  const broken = { ...plan, decryptionKeys: [{ kid: null, text: 'no key', file: 'key.pem' }] }
  await assert.rejects(openRules(broken, { ...parts, before: rules }), /no private key/)
  await pause(200)
  assert.equal(streams, 1, 'those in force go on with what they had')
  await rules.stop()

  await assert.rejects(openRules(broken, parts), /no private key/)
  await pause(200)
  assert.equal(streams, 0)
})
