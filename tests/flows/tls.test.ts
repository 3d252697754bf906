/** A server that speaks TLS itself, asked by OpenSSL, Node and Chromium, none of which knows anything of it. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { launchBrowser } from '../fixtures/browser.ts'
import { makeCertificate, type PemPair } from '../fixtures/certificate.ts'
import { type Environment, end, run, type ServingProcess, serve } from '../fixtures/process.ts'
import { ADMIN, newEnvironment } from '../fixtures/server.ts'

const START = fileURLToPath(new URL('../../tools/start.ts', import.meta.url))
const PATIENCE = 20_000

type Given = Awaited<ReturnType<typeof newEnvironment>>

/** With an issuer that speaks TLS, on the same port. */
async function newSecureEnvironment(extra: Readonly<Record<string, string>> = {}): Promise<Given> {
  const given = await newEnvironment('sqlite')
  const { LATCHKEY_PORT: port = '' } = given.environment
  return { ...given, environment: { ...given.environment, LATCHKEY_ISSUER: `https://localhost:${port}/`, ...extra } }
}

/** What `openssl s_client` makes of the server, whatever it ends with. */
async function probe(port: string, ...options: string[]): Promise<string> {
  const args = ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'localhost', ...options]
  const asking = promisify(execFile)('openssl', args)
  asking.child.stdin?.end()
  const { stdout, stderr } = await asking.catch((error: { stdout: string; stderr: string }) => error)
  return `${stdout}${stderr}`
}

describe('A server that was given a certificate', () => {
  let given: Given
  let environment: Environment
  let server: ServingProcess
  let port = ''
  const first = makeCertificate()
  const file = (name: string) => join(given.environment['LATCHKEY_DATA'] ?? '', name)
  const put = ({ cert, key }: PemPair) => {
    writeFileSync(file('cert.pem'), cert)
    writeFileSync(file('key.pem'), key)
  }
  before(async () => {
    given = await newSecureEnvironment()
    port = given.environment['LATCHKEY_PORT'] ?? ''
    environment = { ...given.environment, LATCHKEY_TLS_CERT: file('cert.pem'), LATCHKEY_TLS_KEY: file('key.pem') }
    put(first)
    server = await serve(environment)
  })
  after(async () => {
    await end(server?.child, 'SIGKILL')
    await given?.discard()
  })

  test('speaks TLS 1.3, and 1.2 with forward secrecy and an AEAD, in the order of its own choice', async () => {
    assert.match(await probe(port), /New, TLSv1\.3, Cipher is TLS_AES_128_GCM_SHA256/)
    const older = await probe(port, '-tls1_2', '-cipher', 'ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256')
    assert.match(older, /New, TLSv1\.2, Cipher is ECDHE-ECDSA-AES128-GCM-SHA256/)
    for (const cipher of ['ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-CHACHA20-POLY1305'])
      assert.ok((await probe(port, '-tls1_2', '-cipher', cipher)).includes(`Cipher is ${cipher}`), cipher)
  })

  test('refuses older versions, other suites, and to begin anew within a connection', async () => {
    const refused = async (...options: string[]) =>
      assert.match(await probe(port, ...options), /Cipher is \(NONE\)/, options.join(' '))
    for (const version of ['-tls1', '-tls1_1']) await refused(version, '-cipher', 'ALL:@SECLEVEL=0')
    for (const cipher of [
      'ECDHE-ECDSA-AES128-SHA',
      'ECDHE-ECDSA-AES128-SHA256',
      'ECDHE-ECDSA-AES256-CCM',
      'AES128-GCM-SHA256',
    ])
      await refused('-tls1_2', '-cipher', `${cipher}:@SECLEVEL=0`)
    await refused('-groups', 'ffdhe2048')
    assert.match(await probe(port, '-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-GCM-SHA256'), /Secure Renegotiation IS/)
    assert.match(await renegotiate(), /no renegotiation|alert/)
  })

  /** `R` on a line of its own asks `s_client` to. */
  async function renegotiate(): Promise<string> {
    const asking = promisify(execFile)('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-tls1_2'], {
      timeout: PATIENCE,
    })
    asking.child.stdout?.once('data', () => asking.child.stdin?.write('R\n'))
    const { stdout, stderr } = await asking.catch((error: { stdout: string; stderr: string }) => error)
    return stdout + stderr
  }

  const ask = async (path: string, agent: Agent): Promise<IncomingMessage & { text: string }> => {
    const asking = request(new URL(path, environment['LATCHKEY_ISSUER']), { agent }).end()
    const [answer] = (await once(asking, 'response')) as [IncomingMessage]
    let text = ''
    for await (const part of answer.setEncoding('utf8')) text += part
    return Object.assign(answer, { text })
  }
  const presented = async (): Promise<string> =>
    (await probe(port)).match(/-----BEGIN[\s\S]+?-----END CERTIFICATE-----\n/)?.[0] ?? ''

  test('says how to whoever speaks HTTP to it', async () => {
    const answer = await fetch(`http://localhost:${port}/api/v2/users`)
    assert.deepEqual(
      [answer.status, await answer.text()],
      [400, 'This port speaks HTTPS. Begin the address with https://.\n'],
    )
  })

  test('presents another from the moment it is told to look, and drops no connection for it', async t => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: first.cert })
    t.after(() => agent.destroy())
    assert.equal((await ask('/healthz', agent)).statusCode, 200)
    const second = makeCertificate()
    put(second)
    server.child.kill('SIGHUP')
    const deadline = Date.now() + PATIENCE
    while ((await presented()) !== second.cert) assert.ok(Date.now() < deadline, 'it never came')
    // Of a new connection its authority would know nothing.
    assert.equal((await ask('/healthz', agent)).statusCode, 200, 'the first connection goes on')

    writeFileSync(file('key.pem'), first.key)
    server.child.kill('SIGHUP')
    while (!server.written.some(line => line.includes('could not be read again'))) {
      assert.ok(Date.now() < deadline, 'nobody said so')
      await pause(20)
    }
    assert.equal(await presented(), second.cert, 'the one at hand stays')
  })

  test('cannot start with a key of another certificate, and says so in a sentence', async () => {
    put({ ...first, key: makeCertificate().key })
    const { code, err } = await run(['serve'], { ...environment, LATCHKEY_DATA: file('other') })
    assert.match(err, /^The key in .+key\.pem \(LATCHKEY_TLS_KEY\) is not the one of the certificate in [^\n]+\n$/)
    assert.equal(code, 1)
  })
})

describe('`npm start` with LATCHKEY_TLS=auto', () => {
  let given: Given
  let server: ServingProcess
  before(async () => {
    given = await newSecureEnvironment({ LATCHKEY_TLS: 'auto', LATCHKEY_EXAMPLE_PORT: '0', LATCHKEY_GATEWAY_PORT: '0' })
    server = await serve(given.environment, START)
  })
  after(async () => {
    await end(server?.child, 'SIGKILL')
    await given?.discard()
  })

  test('says whom to trust, and whoever does finds the issuer there, and no insecure cookie', async () => {
    const caFile = /"trust":"([^"]+)"/.exec(server.written.join('\n'))?.[1] ?? ''
    const issuer = given.environment['LATCHKEY_ISSUER'] ?? ''
    const script = `
      const answer = await fetch(${JSON.stringify(issuer)} + '.well-known/openid-configuration')
      console.log((await answer.json()).issuer)`
    const trusting = (environment: Environment) =>
      promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env: { ...environment } })
    assert.equal((await trusting({ NODE_EXTRA_CA_CERTS: caFile })).stdout.trim(), issuer)
    await assert.rejects(trusting({}), /UNABLE_TO_VERIFY|unable to verify/i)
  })

  test('signs people in to the example in a browser', async () => {
    // The example begins to listen a moment after the server.
    const exampleSaid = () => /"example":"([^"]+)"/.exec(server.written.join('\n'))?.[1]
    for (const deadline = Date.now() + PATIENCE; exampleSaid() === undefined; await pause(20))
      assert.ok(Date.now() < deadline, 'the example never listened')
    const example = exampleSaid() ?? ''
    const pem = readFileSync(join(given.environment['LATCHKEY_DATA'] ?? '', 'tls', 'server.key'), 'utf8')
    const { publicKey } = new X509Certificate(pem.slice(pem.indexOf('-----BEGIN CERTIFICATE')))
    const pin = createHash('sha256')
      .update(publicKey.export({ type: 'spki', format: 'der' }))
      .digest('base64')
    const chromium = await launchBrowser([`--ignore-certificate-errors-spki-list=${pin}`])
    try {
      const context = await chromium.newContext({ locale: 'en-GB' })
      context.setDefaultTimeout(PATIENCE)
      const page = await context.newPage()
      await page.goto(example)
      await page.locator('#sign-in').click()
      await page.locator('#username').fill(ADMIN.email)
      await page.locator('#password').fill(ADMIN.password)
      await page.locator('button[type=submit]').click()
      await page.locator('#sign-out').waitFor()
      // The gateway has asked the issuer for its keys, over a connection that only the private authority vouches for.
      await page.locator('#upload-title').fill('Rain on a tin roof')
      await page.locator('#upload').click()
      await page.getByRole('link', { name: 'Rain on a tin roof' }).waitFor()
      // The example's own lie beside them, since cookies know no ports.
      const cookies = (await context.cookies(given.environment['LATCHKEY_ISSUER'])).filter(({ httpOnly }) => httpOnly)
      assert.ok(cookies.length > 0)
      for (const { name, secure } of cookies) assert.deepEqual([name.startsWith('__Host-'), secure], [true, true], name)

      // And the processes of the API ask it as well.
      await page.locator('#profile').click()
      await page.locator('#sign-out-everywhere').click()
      await page.locator('#sign-in').waitFor()
    } finally {
      await chromium.close()
    }
  })
})
