/**
 * A gateway as one writes it with express: express-oauth2-jwt-bearer judges the token, and a proxy by `node:http` with an
 * agent that keeps its connections carries the request on, as http-proxy does within.
 *
 * A process of its own, told what it is by `BENCH_PORT`, `BENCH_UPSTREAM_PORT`, `BENCH_ISSUER` and `BENCH_AUDIENCE`.
 */
import { Agent, request as ask } from 'node:http'
import { pipeline } from 'node:stream'
import express from 'express'
import { auth, requiredScopes } from 'express-oauth2-jwt-bearer'

const upstream = { host: '127.0.0.1', port: Number(process.env['BENCH_UPSTREAM_PORT']) }
const agent = new Agent({ keepAlive: true })

const app = express()
app.disable('x-powered-by')
app.get('/ready', (_request, response) => void response.end())
app.use(
  auth({ issuerBaseURL: process.env['BENCH_ISSUER'] ?? '', audience: process.env['BENCH_AUDIENCE'] ?? '' }),
  requiredScopes('read:videos'),
  (request, response) => {
    const headers = { ...request.headers, 'x-user-id': request.auth?.payload.sub }
    const asked = ask({ ...upstream, agent, method: request.method, path: request.url, headers }, answer => {
      // A client that has left.
      if (response.destroyed) return void answer.destroy()
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      pipeline(answer, response, () => {})
    })
    asked.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()))
    pipeline(request, asked, () => {})
  },
)
app.listen(Number(process.env['BENCH_PORT']), '127.0.0.1')
