/**
 * An issuer that has revoked as much as one likes: it publishes a key, signs tokens with it, and tells whoever follows its
 * stream of revocations what a real one would, in the same form, without a database that holds them. For measuring a
 * gateway that hears of more than any server here could end in a minute.
 */
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SECOND } from '../server/kernel/seconds.ts'
import { RULE } from './edges.ts'

export interface RevokingIssuer {
  readonly issuer: string
  /** Good for a day, each of its own. */
  token(): string
  /** Ends so many tokens that nobody has; resolves when whoever follows was told. */
  revoke(count: number): Promise<void>
  /** Ends that token. */
  revokeToken(token: string): void
  stop(): Promise<void>
}

/** As many as a real one sends at once. */
const BATCH = 1000
const DAY_IN_SECONDS = 86_400

export async function startRevokingIssuer(): Promise<RevokingIssuer> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const keys = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'bench', alg: 'ES256', use: 'sig' }] }
  const followers = new Map<ServerResponse, number>()
  let position = 0

  const tell = (stream: ServerResponse, name: string, data: unknown, id?: number): boolean =>
    stream.write(`event: ${name}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`)
  const tellReading = (stream: ServerResponse, openedAt: number) =>
    tell(stream, 'reading', { at: performance.now() - openedAt }, position)

  const server = createServer((request, response) => {
    if (request.url?.startsWith('/api/v2/revocations/stream')) {
      const openedAt = performance.now()
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      followers.set(response, openedAt)
      response.on('close', () => followers.delete(response))
      tell(response, 'hello', { issuers: [issuer] })
      tell(response, 'keys', keys)
      tellReading(response, openedAt)
      return
    }
    const told = {
      '/jwks': keys,
      '/oauth/token': { access_token: 'of-the-gateway', token_type: 'Bearer', expires_in: DAY_IN_SECONDS },
    }[request.url ?? ''] ?? { issuer, jwks_uri: `${issuer}jwks`, token_endpoint: `${issuer}oauth/token` }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(told))
  })
  const heartbeat = setInterval(() => {
    for (const [stream, openedAt] of followers) tellReading(stream, openedAt)
  }, SECOND)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`

  const expires = () => Math.floor(Date.now() / SECOND) + DAY_IN_SECONDS
  async function end(ids: readonly string[]): Promise<void> {
    position += ids.length
    const entries = ids.map(id => ['token', id, null, expires()])
    for (const [stream, openedAt] of followers) {
      tell(stream, 'entries', entries, position)
      if (!tellReading(stream, openedAt)) await once(stream, 'drain')
    }
  }

  const base64url = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const header = base64url({ alg: 'ES256', typ: 'at+jwt', kid: 'bench' })

  return {
    issuer,
    token() {
      const exp = expires()
      const claims = {
        iss: issuer,
        sub: `auth0|${randomUUID()}`,
        aud: [RULE.audience, `${issuer}userinfo`],
        iat: exp - DAY_IN_SECONDS,
        exp,
        scope: `openid profile email ${RULE.scope}`,
        client_id: 'application',
        jti: `${randomUUID()}.${randomUUID()}`,
        sid: randomUUID(),
        auth_time: exp - DAY_IN_SECONDS,
        acr: 'urn:latchkey:1',
        amr: ['pwd'],
        subject_epoch: 0,
        client_epoch: 0,
      }
      const input = `${header}.${base64url(claims)}`
      const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' })
      return `${input}.${signature.toString('base64url')}`
    },
    async revoke(count) {
      for (let left = count; left > 0; left -= BATCH)
        await end(Array.from({ length: Math.min(left, BATCH) }, () => `${randomUUID()}.${randomUUID()}`))
    },
    revokeToken(token) {
      const { jti } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
      void end([jti])
    },
    async stop() {
      clearInterval(heartbeat)
      server.closeAllConnections()
      server.close()
    },
  }
}
