import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, isIP } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { makeCertificate } from '../../tests/fixtures/certificate.ts'
import { isPublicAddress } from './addresses.ts'
import { createEgress, type EgressError, type EgressReason } from './egress.ts'

const JSON_ONLY = { asker: { name: 'a client of ours', isOurs: true }, accept: 'application/json' }
/** One of any number who registered themselves. */
const askedBy = (stranger: string) => ({ ...JSON_ONLY, asker: { name: stranger, isOurs: false } })
/** Each of another client of ours. */
const askedForOurs = (client: number) => ({ ...JSON_ONLY, asker: { name: `ours ${client}`, isOurs: true } })

async function listening<S extends Server>(server: S): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function stopped(server: Server): Promise<void> {
  server.closeAllConnections()
  await new Promise(done => server.close(done))
}

const refused = (promise: Promise<unknown>, reason: EgressReason, why?: string) =>
  assert.rejects(promise, (error: EgressError) => {
    assert.equal(error.reason, reason, `${why ?? ''} ${error.message}`)
    return true
  })

describe('an address is public', () => {
  for (const address of ['1.1.1.1', '93.184.216.34', '100.63.255.255', '172.32.0.1', '2606:4700::1111', '2a00:1450::1'])
    test(address, () => assert.ok(isPublicAddress(address)))
})

describe('an address is not public', () => {
  for (const [address, what] of [
    ['0.0.0.0', 'this network'],
    ['10.1.2.3', 'private'],
    ['100.64.0.1', 'carrier-grade NAT'],
    ['100.100.100.200', 'a cloud’s metadata'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback, all of it'],
    ['169.254.169.254', 'link-local, where metadata services are'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.0.0.192', 'a cloud’s metadata'],
    ['192.168.0.1', 'private'],
    ['198.18.0.1', 'benchmarks'],
    ['224.0.0.1', 'multicast'],
    ['255.255.255.255', 'broadcast'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['::7f00:1', 'IPv4-compatible'],
    ['::ffff:127.0.0.1', 'IPv4-mapped'],
    ['::ffff:1.1.1.1', 'IPv4-mapped, however public'],
    ['64:ff9b::7f00:1', 'NAT64'],
    ['64:ff9b:1::a00:1', 'NAT64 of one’s own'],
    ['2001::1', 'Teredo'],
    ['2001:db8::1', 'documentation'],
    ['2002:7f00:1::', '6to4'],
    ['3fff::1', 'documentation'],
    ['fc00::1', 'unique-local'],
    ['fd00:ec2::254', 'a cloud’s metadata'],
    ['fe80::1', 'link-local'],
    ['fec0::1', 'site-local'],
    ['ff02::1', 'multicast'],
    ['localhost', 'no address'],
    ['', 'nothing'],
  ] as const)
    test(`${address}: ${what}`, () => assert.ok(!isPublicAddress(address)))
})

describe('a URL that must not be fetched', () => {
  const asked: string[] = []
  const egress = createEgress({
    resolve: async host => {
      asked.push(host)
      return isIP(host) ? [host] : ['192.0.2.1']
    },
  })

  for (const [url, reason, why] of [
    ['http://1.1.1.1/', 'not_fetchable', 'http'],
    ['ftp://1.1.1.1/', 'not_fetchable', 'another scheme'],
    ['file:///etc/passwd', 'not_fetchable', 'a file'],
    ['data:application/json,{}', 'not_fetchable', 'data'],
    ['keys.json', 'not_fetchable', 'no URL'],
    ['', 'not_fetchable', 'nothing'],
    ['https://user@1.1.1.1/', 'not_fetchable', 'a user'],
    ['https://1.1.1.1:443@127.0.0.1/', 'not_fetchable', 'a host in the place of a user'],
    ['https://127.0.0.1/', 'not_allowed', 'loopback'],
    ['https://127.0.0.1./', 'not_allowed', 'loopback with a dot at the end'],
    ['https://2130706433/', 'not_allowed', 'decimal'],
    ['https://0177.0.0.1/', 'not_allowed', 'octal'],
    ['https://0x7f.1/', 'not_allowed', 'hexadecimal and short'],
    ['https://0x7f000001/', 'not_allowed', 'hexadecimal'],
    ['https://127.1:8443/', 'not_allowed', 'short, with a port'],
    ['https://①②⑦.0.0.1/', 'not_allowed', 'digits of another script'],
    ['https://0/', 'not_allowed', 'zero'],
    ['https://[::1]/', 'not_allowed', 'IPv6 loopback'],
    ['https://[0:0:0:0:0:0:0:1]/', 'not_allowed', 'IPv6 loopback in full'],
    ['https://[::ffff:169.254.169.254]/', 'not_allowed', 'IPv4-mapped'],
    ['https://[::ffff:a9fe:a9fe]/', 'not_allowed', 'IPv4-mapped in hexadecimal'],
    ['https://[64:ff9b::169.254.169.254]/', 'not_allowed', 'NAT64'],
    ['https://[fe80::1%25eth0]/', 'not_fetchable', 'a zone'],
    ['https://somewhere.example/', 'not_allowed', 'a name at an address that is not public'],
  ] as const)
    test(`${url} (${why})`, () => refused(egress.get(url, JSON_ONLY), reason, why))

  test('is refused without a question to the DNS when it can be', () =>
    assert.deepEqual(new Set(asked), new Set(['somewhere.example'])))

  test('is known as far as can be without resolving its name', () => {
    for (const url of ['https://keys.example/a?b', 'https://1.1.1.1:8443/']) assert.ok(egress.isFetchable(url), url)
    for (const url of ['http://keys.example/', 'https://127.1/', 'https://a:b@keys.example/', 'nonsense'])
      assert.ok(!egress.isFetchable(url), url)
  })

  test('for its name alone: localhost, whatever the DNS says, and with a dot', async () => {
    const real = createEgress()
    await refused(real.get('https://localhost/', JSON_ONLY), 'not_allowed')
    await refused(real.get('https://LOCALHOST./', JSON_ONLY), 'not_allowed')
    await refused(real.get('https://keys.localhost/', JSON_ONLY), 'not_allowed')
  })
})

describe('a name', () => {
  test('one of whose addresses is private is refused whole', () =>
    refused(
      createEgress({ resolve: async () => ['1.1.1.1', '10.0.0.1'] }).get('https://keys.example/', JSON_ONLY),
      'not_allowed',
    ))

  test('without an address is told so', async () => {
    await refused(createEgress({ resolve: async () => [] }).get('https://keys.example/', JSON_ONLY), 'unresolved')
    const failing = createEgress({ resolve: () => Promise.reject(new Error('ENOTFOUND')) })
    await refused(failing.get('https://keys.example/', JSON_ONLY), 'unresolved')
  })

  test('that resolves to nonsense is refused', () =>
    refused(
      createEgress({ resolve: async () => ['localhost'] }).get('https://keys.example/', JSON_ONLY),
      'not_allowed',
    ))

  test('is resolved once: what it says afterwards moves no connection (DNS rebinding)', async () => {
    const server = createServer((_request, response) => response.end('"inside"'))
    const port = await listening(server)
    const resolved: string[] = []
    const egress = createEgress({
      // The first answer is a closed door on this machine, the next would be the server.
      allow: ['127.0.0.2'],
      resolve: async host => {
        resolved.push(host)
        return resolved.length === 1 ? ['127.0.0.2'] : ['127.0.0.1']
      },
    })
    await refused(egress.get(`http://keys.example:${port}/`, JSON_ONLY), 'unreachable')
    assert.deepEqual(resolved, ['keys.example'])
    await refused(egress.get(`http://keys.example:${port}/`, JSON_ONLY), 'not_allowed')
    await stopped(server)
  })

  test('that takes for ever is given up', () =>
    refused(
      createEgress({ timeout: 20, resolve: () => new Promise(() => {}) }).get('https://keys.example/', JSON_ONLY),
      'too_slow',
    ))
})

describe('what the operator listed', () => {
  const server = createServer((_request, response) => response.end('{}'))
  let port = 0
  before(async () => {
    port = await listening(server)
  })
  after(() => stopped(server))

  test('may be asked by http and at a private address: by address, by range, by name', async () => {
    for (const [listed, host] of [
      ['127.0.0.1', '127.0.0.1'],
      ['127.0.0.0/8', '127.0.0.1'],
      ['localhost', 'localhost'],
      ['LOCALHOST', 'localhost.'],
    ] as const) {
      const { status } = await createEgress({ allow: [listed] }).get(`http://${host}:${port}/`, JSON_ONLY)
      assert.equal(status, 200, listed)
    }
  })

  test('opens nothing else', async () => {
    const egress = createEgress({ allow: ['10.0.0.0/8', 'keys.internal'], resolve: async () => ['127.0.0.1'] })
    await refused(egress.get(`http://127.0.0.1:${port}/`, JSON_ONLY), 'not_allowed')
    await refused(egress.get(`http://a.keys.internal:${port}/`, JSON_ONLY), 'not_allowed')
    const inside = createEgress({ allow: ['127.0.0.1'], resolve: async () => ['1.1.1.1'] })
    await refused(inside.get('http://keys.example/', JSON_ONLY), 'not_fetchable', 'http to a public address')
  })
})

describe('a server that is asked', () => {
  const paths: Record<string, RequestListener> = {
    '/keys': (_request, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"keys":[]}'),
    '/echo': (request, response) => {
      const parts: Buffer[] = []
      request.on('data', part => parts.push(part))
      request.on('end', () =>
        response.end(JSON.stringify([request.method, request.headers, Buffer.concat(parts).toString()])),
      )
    },
    '/redirect': (_request, response) => response.writeHead(302, { location: '/keys' }).end(),
    '/missing': (_request, response) => response.writeHead(404).end('secret body'),
    '/endless': (_request, response) => {
      const write = () => {
        while (!response.destroyed && response.write('x'.repeat(16_384)));
      }
      response.on('drain', write)
      write()
    },
    '/drip': (_request, response) => {
      response.write('{')
      const timer = setInterval(() => response.write(' '), 5)
      response.on('close', () => clearInterval(timer))
    },
    '/silent': () => {},
    '/headers': (_request, response) => response.writeHead(200, { 'x-long': 'x'.repeat(12_000) }).end('{}'),
    '/broken': (_request, response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('{')
      setImmediate(() => response.destroy())
    },
  }
  const closing: Promise<unknown>[] = []
  const server = createServer((request, response) => paths[request.url?.split('?')[0] ?? '']?.(request, response))
  server.on('connection', socket => closing.push(new Promise(done => socket.on('close', done))))
  let base = ''
  const egress = createEgress({ allow: ['127.0.0.1'] })
  const hurried = createEgress({ allow: ['127.0.0.1'], timeout: 100 })
  before(async () => {
    base = `http://127.0.0.1:${await listening(server)}`
  })
  after(() => stopped(server))

  test('is heard, once a connection, with nothing of ours but what it needs', async () => {
    const first = await egress.get(`${base}/echo?a=b`, JSON_ONLY)
    const [method, headers, body] = JSON.parse(first.body.toString())
    assert.deepEqual([method, body], ['GET', ''])
    assert.deepEqual(Object.keys(headers).sort(), ['accept', 'accept-encoding', 'connection', 'host', 'user-agent'])
    assert.equal(headers.connection, 'close')
  })

  test('is posted a form, and heard whatever its status', async () => {
    const answer = await egress.postForm(`${base}/echo`, { logout_token: 'a.b+c' })
    const [method, headers, body] = JSON.parse(answer.body.toString())
    assert.deepEqual(
      [method, headers['content-type'], body],
      ['POST', 'application/x-www-form-urlencoded', 'logout_token=a.b%2Bc'],
    )
    assert.equal((await egress.postForm(`${base}/missing`, {})).status, 404)
  })

  test('sends nobody elsewhere', async () => {
    await refused(egress.get(`${base}/redirect`, JSON_ONLY), 'redirected')
    await refused(egress.postForm(`${base}/redirect`, {}), 'redirected')
  })

  test('that has nothing there is told apart, and nothing of its answer repeated', () =>
    assert.rejects(egress.get(`${base}/missing?token=secret`, JSON_ONLY), (error: EgressError) => {
      assert.equal(error.reason, 'bad_status')
      assert.doesNotMatch(error.message, /secret|missing/)
      return true
    }))

  test('that never ends is cut off at the bound', async () => {
    await refused(egress.get(`${base}/endless`, JSON_ONLY), 'too_large')
    await refused(egress.get(`${base}/keys`, { ...JSON_ONLY, mostBytes: 10 }), 'too_large')
    assert.equal((await egress.get(`${base}/keys`, { ...JSON_ONLY, mostBytes: 11 })).body.length, 11)
  })

  test('that drips, or says nothing, is waited for no longer than it may take in all', async () => {
    await refused(hurried.get(`${base}/drip`, JSON_ONLY), 'too_slow')
    await refused(hurried.get(`${base}/silent`, JSON_ONLY), 'too_slow')
    await refused(hurried.postForm(`${base}/silent`, {}), 'too_slow')
  })

  test('that sends headers without end, or breaks off, is no answer', async () => {
    await refused(egress.get(`${base}/headers`, JSON_ONLY), 'unreachable')
    await refused(egress.get(`${base}/broken`, JSON_ONLY), 'unreachable')
  })

  test('is asked by so many at once and no more, by one name as by several, and keeps nobody else waiting', async () => {
    const { port } = new URL(base)
    // One machine with many names, and one name that is looked up for ever.
    const elsewhere = createEgress({
      allow: ['127.0.0.0/8'],
      timeout: 300,
      resolve: host => (host.startsWith('slow') ? new Promise(() => {}) : Promise.resolve(['127.0.0.1'])),
    })
    let asked = 0
    const silent = (host: string) =>
      elsewhere.get(`http://${host}:${port}/silent`, askedForOurs(asked++)).catch((error: EgressError) => error.reason)
    const waiting = Array.from({ length: 40 }, (_, index) => silent(`a${index}.example`))
    const unresolved = Array.from({ length: 20 }, () => silent('slow.example'))
    const reasons = [...(await Promise.all(waiting)), ...(await Promise.all(unresolved))]
    assert.equal(reasons.filter(reason => reason === 'too_slow').length, 16 + 16)
    assert.equal(reasons.filter(reason => reason === 'busy').length, 24 + 4)

    const more = Array.from({ length: 16 }, () => silent('127.0.0.1'))
    await refused(elsewhere.get(`http://a.example:${port}/keys`, JSON_ONLY), 'busy')
    const own = await elsewhere.get(`http://127.0.0.2:${port}/keys`, JSON_ONLY).catch((error: EgressError) => error)
    assert.notEqual((own as EgressError).reason, 'busy')
    assert.equal((await elsewhere.postForm(`http://a.example:${port}/keys`, {})).status, 200)
    await Promise.all(more)
    assert.equal((await elsewhere.get(`http://a.example:${port}/keys`, JSON_ONLY)).status, 200)
  })

  test('is one of so many that are asked at once, and leaves places for what is posted', async () => {
    const many = createEgress({ timeout: 300, resolve: () => new Promise(() => {}) })
    const waiting = Array.from({ length: 64 }, (_, index) =>
      many.get(`https://a${index}.example/`, askedForOurs(index)).catch((error: EgressError) => error.reason),
    )
    await refused(many.get('https://b.example/', JSON_ONLY), 'busy')
    await refused(many.postForm('https://b.example/', {}), 'too_slow')
    assert.deepEqual([...new Set(await Promise.all(waiting))], ['too_slow'])
  })

  test('is asked no more for one client with any number of names, nor for any number of strangers, than leaves places to others', async () => {
    const slow = createEgress({ timeout: 300, resolve: () => new Promise(() => {}) })
    let names = 0
    const ask = (options: Parameters<typeof slow.get>[1]) =>
      slow.get(`https://a${names++}.example/`, options).catch((error: EgressError) => error.reason)
    const asking = (count: number, options: (index: number) => Parameters<typeof slow.get>[1]) =>
      Array.from({ length: count }, (_, index) => ask(options(index)))

    const one = asking(20, () => askedBy('mallory'))
    const ours = asking(20, () => JSON_ONLY)
    const all = asking(60, index => askedBy(`mallory ${index}`))
    // With all that strangers may take taken, and what one of ours may.
    const other = asking(8, askedForOurs)
    const busy = async (asked: readonly Promise<unknown>[]) =>
      (await Promise.all(asked)).filter(reason => reason === 'busy').length
    assert.deepEqual([await busy(one), await busy(ours), await busy(all), await busy(other)], [16, 4, 24, 0])
  })

  test('is left with no connection open, of which each request had its own', async () => {
    assert.ok(closing.length > 16)
    await Promise.all(closing)
  })
})

describe('over TLS', () => {
  const certificate = makeCertificate('keys.example')
  const trusted = getCACertificates('default')
  const seen: (string | undefined)[] = []
  const server = createTlsServer({ ...certificate }, (request, response) => {
    seen.push(request.headers.host)
    response.end('{}')
  })
  let port = 0
  const egress = createEgress({ allow: ['127.0.0.1'], resolve: async () => ['127.0.0.1'] })
  before(async () => {
    port = await listening(server)
  })
  after(async () => {
    setDefaultCACertificates(trusted)
    await stopped(server)
  })

  test('a certificate that nobody vouches for is no answer', () =>
    refused(egress.get(`https://keys.example:${port}/`, JSON_ONLY), 'unreachable'))

  test('the name of the URL is what the certificate must be for, not the address', async () => {
    setDefaultCACertificates([...trusted, certificate.cert])
    assert.equal((await egress.get(`https://keys.example:${port}/`, JSON_ONLY)).status, 200)
    assert.deepEqual(seen, [`keys.example:${port}`])
    await refused(egress.get(`https://other.example:${port}/`, JSON_ONLY), 'unreachable')
  })
})
