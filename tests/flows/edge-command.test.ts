/** The gateway as an operator runs it: its command, its file, and what becomes of both while requests come. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { claims } from '../../sdk/testing/forge.ts'
import { toSeconds } from '../../server/kernel/seconds.ts'
import { type Service, startService } from '../fixtures/gateway.ts'
import { AUDIENCE, type KeyPublisher, startKeyPublisher } from '../fixtures/key-publisher.ts'
import { end, run, type ServingProcess, serveGateway } from '../fixtures/process.ts'

describe('The command of the gateway', () => {
  let folder = ''
  let service: Service
  let keys: KeyPublisher

  const inFolder = (name: string): string => join(folder, name)
  const write = (text: string, name = 'edge.yaml'): void => {
    writeFileSync(inFolder('draft'), text)
    renameSync(inFolder('draft'), inFolder(name))
  }
  const fileWith = (routes: string, more = ''): string => `
issuers: [{ issuer: "${keys.issuer}" }]
identity_key: { file: identity.pem }
${more}
routes:
${routes}
upstreams:
  service: { targets: [{ url: "${service.url}" }] }
`
  const open = (path: string): string => `  - { match: { path: ${path} }, access: public, upstream: service }`
  const closed = `  - match: { path: /closed }
    access: { audience: ${AUDIENCE} }
    identity: { x-user-id: sub }
    identity_token: { audience: the-service }
    upstream: service`
  const environment = () => ({ LATCHKEY_DATA: inFolder('data'), LATCHKEY_GATEWAY_PORT: '0' })

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-edge-command-'))
    keys = await startKeyPublisher()
    const { privateKey } = generateKeyPairSync('ed25519')
    writeFileSync(inFolder('identity.pem'), privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 })
    service = await startService()
  })
  after(async () => {
    await keys?.close()
    await service?.close()
    rmSync(folder, { recursive: true })
  })

  describe('--check', () => {
    test('tells every fault with its line, and ends with 1', async () => {
      write('routes:\n  - { match: { path: / }, acces: public, upstream: films }\n', 'faulty.yaml')
      const { code, err, out } = await run(['gateway', '--check', inFolder('faulty.yaml')], environment())
      assert.equal(code, 1)
      assert.match(err, /^faulty\.yaml:2: access is missing/m)
      assert.match(err, /^faulty\.yaml:2: A route has no member "acces"\. Perhaps "access" is meant\.$/m)
      assert.match(err, /^faulty\.yaml:2: There is no upstream "films"\.$/m)
      assert.equal(out, '')
    })

    test('tells a script the same in JSON, and warnings of a good file with 0', async () => {
      write(fileWith(open('/open')), 'good.yaml')
      const { code, out, err } = await run(['gateway', '--json', '--check', inFolder('good.yaml')], environment())
      const { faults, warnings } = JSON.parse(out) as { faults: string[]; warnings: string[] }
      assert.deepEqual([code, faults, err], [0, [], ''])
      assert.match(warnings.join(), /is not heard of here/)
      assert.equal(existsSync(inFolder('data')), false, 'a gateway has no data')
    })
  })

  describe('explain', () => {
    const ask = async (input: string, ...more: readonly string[]) =>
      run(
        ['gateway', 'explain', '--token-stdin', '--route', 'GET https://a.example/closed', ...more],
        { ...environment(), LATCHKEY_GATEWAY_CONFIG: inFolder('good.yaml') },
        { input },
      )

    test('says what decides, with the keys of the issuer, and never the token', async () => {
      write(fileWith(`${open('/open')}\n${closed}`), 'good.yaml')
      const good = await keys.token()
      const passing = await ask(`${good}\n`)
      assert.equal(passing.code, 0, passing.err)
      assert.match(passing.out, /^- route +line \d+, \/open: another path$/m)
      assert.match(passing.out, /^\+ rule +holds$/m)
      assert.match(passing.out, /^= it passes$/m)
      const old = await keys.token({ exp: toSeconds(Date.now()) - 60 })
      const refused = await ask(old, '--json')
      assert.equal(refused.code, 1)
      assert.equal(JSON.parse(refused.out).code, 'token_expired')
      for (const { out, err } of [passing, refused])
        for (const part of [good, old].flatMap(text => text.split('.').slice(1)))
          assert.ok(!`${out}${err}`.includes(part))
    })
  })

  describe('run by its file', () => {
    let running: ServingProcess
    let url = ''
    const ask = (path: string, headers: Record<string, string> = {}) => fetch(`${url}${path}`, { headers })
    const said = (word: string, from = 0): boolean => running.written.slice(from).some(line => line.includes(word))
    /** Waits for a line that is written after the act, while requests go on, none of which may fail. */
    const whileAsked = async (act: () => void, word: string): Promise<void> => {
      const from = running.written.length
      act()
      const deadline = Date.now() + 20_000
      while (!said(word, from)) {
        assert.ok(Date.now() < deadline, `nothing like ${word} in:\n${running.written.join('\n')}`)
        const answers = await Promise.all(Array.from({ length: 8 }, () => ask('/open')))
        assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
        await Promise.all(answers.map(answer => answer.text()))
      }
    }

    before(async () => {
      write(fileWith(`${open('/open')}\n${closed}`))
      running = await serveGateway(environment(), '--config', inFolder('edge.yaml'))
      const { port } = JSON.parse(running.written.find(line => line.includes('is listening')) ?? '{}') as {
        port: number
      }
      url = `http://127.0.0.1:${port}`
    })
    after(() => end(running?.child, 'SIGKILL'))

    test('lets pass what it says, and tells the service who is calling', async () => {
      assert.equal((await ask('/elsewhere')).status, 404)
      assert.equal((await ask('/closed')).status, 401)
      const answer = await ask('/closed', { authorization: `Bearer ${await keys.token()}`, x_user_id: 'root' })
      assert.equal(answer.status, 200)
      const { headers } = (await answer.json()) as { headers: Record<string, string> }
      assert.equal(headers['x-user-id'], claims.sub)
      assert.equal(headers['x_user_id'], undefined)
    })

    test('vouches for the caller to a service that verifies, with the key that it publishes', async () => {
      const answer = await ask('/closed', {
        authorization: `Bearer ${await keys.token()}`,
        'x-edge-token': 'of a client',
      })
      const { headers } = (await answer.json()) as { headers: Record<string, string> }
      const keySet = createRemoteJWKSet(new URL(`${url}/edge/jwks.json`))
      const { payload } = await jwtVerify(headers['x-edge-token'] ?? '', keySet, {
        issuer: 'urn:latchkey:edge',
        audience: 'the-service',
      })
      assert.deepEqual([payload.sub, payload['act']], [claims.sub, { sub: 'app' }])
    })

    test('goes by another file once it is there, without dropping a request', async () => {
      await whileAsked(() => write(fileWith(`${open('/open')}\n${open('/new')}`)), 'another route file is in force')
      assert.equal((await ask('/new')).status, 200)
      assert.equal((await ask('/closed')).status, 404)
    })

    test('goes on by the one before when another has faults, and says them', async () => {
      const from = running.written.length
      await whileAsked(() => write(fileWith(open('open'))), 'the route file cannot be used')
      assert.ok(said('path must be a path such as', from))
      assert.equal((await ask('/new')).status, 200)
    })

    test('reads it anew on SIGHUP', async () => {
      await whileAsked(() => write(fileWith(open('/open'))), 'another route file is in force')
      await whileAsked(() => running.child.kill('SIGHUP'), 'another route file is in force')
      assert.equal((await ask('/new')).status, 404)
    })

    test('ends with 0 on SIGTERM', async () => {
      await end(running.child, 'SIGTERM')
      assert.equal(running.child.exitCode, 0)
    })
  })

  test('says which file it wants, or what is wrong with it, and ends with 1', async () => {
    const nameless = await run(['gateway'], environment())
    assert.deepEqual([nameless.code, nameless.out], [1, ''])
    assert.match(nameless.err, /--config edge\.yaml, or LATCHKEY_GATEWAY_CONFIG/)
    const faulty = await run(['gateway', '--config', inFolder('faulty.yaml')], environment())
    assert.equal(faulty.code, 1)
    assert.match(faulty.err, /faulty\.yaml:2: access is missing/)
  })
})
