import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { createRevocations, type Revocations, type RevocationsOptions, revocationFacts } from './revocations.ts'

const SECOND = 1000
const HOUR = 3600 * SECOND

interface Connection {
  readonly headers: IncomingHttpHeaders
  readonly response: ServerResponse
  tell(event: string, data: unknown, id?: number): void
}

const PERSON = {
  jti: 'aut_1.random',
  sid: 'ses_1',
  sub: 'usr_1',
  subject_epoch: 2,
  client_id: 'spa',
  client_epoch: 1,
  org_id: 'org_1',
  aud: ['https://api.example', 'https://id.example/userinfo'],
}

describe('revocations of an issuer', () => {
  let server: Server
  let issuer: string
  let connections: Connection[]
  let arrived: () => void
  let status: number
  let refused: number
  let tokens: string[]
  let ahead: number
  let wallAhead: number
  let lines: string[]
  let one: Revocations

  before(async () => {
    server = createServer((request, response) => {
      if (status !== 200) {
        refused += 1
        return void response.writeHead(status).end()
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      connections.push({
        headers: request.headers,
        response,
        tell: (event, data, id) =>
          void response.write(
            `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`,
          ),
      })
      arrived()
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  beforeEach(() => {
    connections = []
    arrived = () => {}
    status = 200
    refused = 0
    tokens = ['token 1', 'token 2', 'token 3']
    ahead = 0
    wallAhead = 0
    lines = []
  })
  afterEach(() => one?.close())

  const follow = (options: Partial<RevocationsOptions> = {}): Revocations => {
    one = createRevocations({
      issuer,
      token: {
        get: async () => tokens[0] ?? '',
        forget: token => {
          if (token === tokens[0]) tokens.shift()
        },
      },
      clock: () => performance.now() + ahead,
      wallClock: () => Date.now() + wallAhead,
      random: () => 0,
      log: {
        info: (_fields, message) => lines.push(message),
        warn: (fields, message) => lines.push(`${message}: ${(fields as { reason: string }).reason}`),
      },
      ...options,
    })
    one.start()
    return one
  }
  const connection = async (number: number): Promise<Connection> => {
    while (connections.length < number)
      await new Promise<void>(resolve => {
        arrived = resolve
      })
    return connections[number - 1] as Connection
  }
  const until = async (isTrue: () => boolean, because = isTrue.toString()) => {
    const deadline = performance.now() + 10 * SECOND
    while (!isTrue()) {
      assert.ok(performance.now() < deadline, because)
      await new Promise(resolve => setTimeout(resolve, 2))
    }
  }
  const ends = () => Math.ceil(Date.now() / SECOND) + 3600
  const entry = (kind: string, id: string, epoch: number | null = null) => [kind, id, epoch, ends()]

  test('are known once the log was read, and how old that knowledge is', async () => {
    const revocations = follow()
    const { headers, tell } = await connection(1)
    assert.equal(headers.authorization, 'Bearer token 1')
    assert.equal(headers['last-event-id'], '0')
    tell('hello', { issuers: ['https://another.example/', issuer] })
    tell('entries', [entry('session', 'ses_1'), entry('subject', 'usr_2', 3)], 7)
    await until(() => revocations.position === 7)
    assert.equal(revocations.isRevoked(revocationFacts({ sid: 'ses_1' })), true)
    assert.deepEqual([revocations.age(), revocations.state], [Number.POSITIVE_INFINITY, 'connecting'])

    tell('reading', { at: 0 }, 12)
    await until(() => revocations.state === 'live')
    assert.equal(revocations.position, 12)
    assert.ok(revocations.age() < 5 * SECOND)
    assert.deepEqual(revocations.issuers, ['https://another.example/', issuer])
    assert.deepEqual(lines, ['the stream of revocations is followed'])
  })

  test('end a token by each name that the log may know it by, and no other token', async () => {
    const entries: readonly (readonly [...Parameters<typeof entry>])[] = [
      ['token', 'aut_1.random'],
      ['authorization', 'aut_1'],
      ['session', 'ses_1'],
      ['subject', 'usr_1'],
      ['subject', 'usr_1', 3],
      ['subject-client', 'usr_1 spa', 3],
      ['subject-organization', 'usr_1 org_1', 3],
      ['organization', 'org_1'],
      ['client', 'spa', 2],
      ['client', 'spa'],
      ['key', 'kid_1'],
      ['audience', 'https://api.example', 1],
    ]
    const others: readonly (readonly [...Parameters<typeof entry>])[] = [
      ['token', 'aut_1'],
      ['authorization', 'aut_1.random'],
      ['session', 'usr_1'],
      ['subject', 'usr_1', 2],
      ['subject-client', 'usr_1 other', 9],
      ['subject-organization', 'usr_1 spa', 9],
      ['organization', 'org_2'],
      ['client', 'spa', 1],
      ['client', 'usr_1'],
      ['key', 'kid_2'],
      ['audience', 'https://other.example', 1],
      ['unheard-of', 'usr_1'],
    ]
    const facts = revocationFacts(PERSON, 'kid_1')
    for (const [list, expected] of [
      [entries, true],
      [others, false],
    ] as const)
      for (const named of list) {
        const revocations = follow()
        const { tell } = await connection(1)
        tell('entries', [entry(...named)], 1)
        await until(() => revocations.position === 1)
        assert.equal(revocations.isRevoked(facts), expected, named.join(' '))
        await revocations.close()
        connections = []
      }
  })

  test('of a machine are told by its client, however the dialect names it, and by no person', async () => {
    const revocations = follow()
    const { tell } = await connection(1)
    tell('entries', [entry('client', 'machine', 4), entry('subject', 'machine@clients')], 1)
    await until(() => revocations.position === 1)
    const machine = (client: object) => revocations.isRevoked(revocationFacts({ sub: 'machine@clients', ...client }))
    assert.equal(machine({ client_id: 'machine', client_epoch: 3 }), true)
    assert.equal(machine({ azp: 'machine', client_epoch: 3 }), true)
    assert.equal(machine({ client_id: 'machine', client_epoch: 4 }), false)
    assert.equal(revocations.isRevoked(revocationFacts({})), false)
  })

  test('of an API that was removed end what was made before it, and nothing for one that has its identifier since', async () => {
    const revocations = follow()
    const { tell } = await connection(1)
    tell('entries', [entry('audience', 'https://api.example', 2)], 1)
    await until(() => revocations.position === 1)
    const isRevoked = (claims: object) => revocations.isRevoked(revocationFacts({ ...claims }))
    assert.equal(isRevoked({ aud: 'https://api.example' }), true)
    assert.equal(isRevoked({ aud: ['https://id.example/userinfo', 'https://api.example'], api_epoch: 1 }), true)
    assert.equal(isRevoked({ aud: 'https://api.example', api_epoch: 2 }), false)
    assert.equal(isRevoked({ aud: 'https://api.example', api_epoch: 'x' }), false)
  })

  test('are a version further with all that is taken in, and say so', async () => {
    const revocations = follow()
    const heard: number[] = []
    const stop = revocations.onChange(() => heard.push(revocations.version))
    const { tell } = await connection(1)
    tell('entries', [entry('session', 'a')], 1)
    tell('entries', [entry('session', 'b'), entry('session', 'c')], 3)
    await until(() => revocations.position === 3)
    tell('reading', { at: 0 }, 3)
    await until(() => revocations.state === 'live')
    assert.equal(heard.length, 2)
    assert.ok((heard[1] as number) > (heard[0] as number))
    stop()
    tell('entries', [entry('session', 'd')], 4)
    await until(() => revocations.position === 4)
    assert.equal(heard.length, 2)
  })

  test('that are more than there is room for are not known, and whoever asks how old they are is told so', async () => {
    const revocations = follow({ mostSlots: 16 })
    const { tell } = await connection(1)
    tell('reading', { at: 0 }, 0)
    await until(() => revocations.state === 'live')
    const before = revocations.version
    tell(
      'entries',
      Array.from({ length: 20 }, (_, index) => entry('session', `ses_${index}`)),
      20,
    )
    tell('reading', { at: 0 }, 20)
    const { headers } = await connection(2)
    assert.equal(revocations.age(), Number.POSITIVE_INFINITY)
    assert.ok(lines.at(-1)?.endsWith('more revocations than fit'))
    assert.equal(headers['last-event-id'], '0')
    assert.equal(revocations.isRevoked(revocationFacts({ sid: 'ses_3' })), true)
    assert.ok(revocations.version > before, 'what did fit is to be looked up')
  })

  test('are taken in whatever a listener makes of it', async () => {
    const revocations = follow()
    revocations.onChange(() => {
      throw new Error('a listener’s own')
    })
    const { tell } = await connection(1)
    tell('entries', [entry('session', 'a')], 1)
    tell('reading', { at: 0 }, 1)
    await until(() => revocations.state === 'live')
    assert.equal(connections.length, 1)
  })

  test('are asked for again from the last number when the stream is lost, and until then they get older', async () => {
    const revocations = follow()
    const first = await connection(1)
    first.tell('reading', { at: 0 }, 41)
    await until(() => revocations.state === 'live')
    status = 503
    first.response.end()
    await until(() => lines.length === 3)
    assert.equal(revocations.state, 'lost')
    ahead += 60 * SECOND
    assert.ok(revocations.age() >= 60 * SECOND)
    // Of those that are refused from now on the second began by this clock.
    const before = refused
    await until(() => refused >= before + 2)
    status = 200
    const second = await connection(2)
    assert.equal(second.headers['last-event-id'], '41')
    assert.ok(revocations.age() >= 60 * SECOND, 'a connection alone says nothing')
    second.tell('reading', { at: 0 }, 41)
    await until(() => revocations.state === 'live')
    assert.ok(revocations.age() < 10 * SECOND)
    assert.deepEqual(lines, [
      'the stream of revocations is followed',
      'the stream of revocations is not followed: ended',
      'the stream of revocations is not followed: answered 503',
      'the stream of revocations is followed',
    ])
  })

  test('with no number of their own move nothing that a lost stream is resumed from', async () => {
    const revocations = follow()
    const { tell, response } = await connection(1)
    tell('reading', { at: 0 }, 5)
    tell('entries', [entry('session', 'ses_1')])
    await until(() => revocations.isRevoked(revocationFacts({ sid: 'ses_1' })))
    response.end()
    assert.equal((await connection(2)).headers['last-event-id'], '5')
  })

  test('are as old as the reading of the log, whenever the word of it came', async () => {
    const revocations = follow()
    const { tell } = await connection(1)
    tell('reading', { at: -4 * SECOND }, 1)
    await until(() => revocations.state === 'live')
    assert.ok(revocations.age() >= 4 * SECOND)
    // Held up on its way for six seconds, it says what it said.
    ahead += 6 * SECOND
    tell('reading', { at: 500 }, 2)
    await until(() => revocations.position === 2)
    assert.ok(revocations.age() >= 5 * SECOND)
    // And one that comes over such a connection for longer is worth another one.
    ahead += 6 * SECOND
    tell('reading', { at: SECOND }, 3)
    await connection(2)
    assert.ok(lines.at(-1)?.endsWith('late'))
  })

  test('do not look new when a clock is set back, and get old when the machine slept', async () => {
    const revocations = follow()
    const { tell } = await connection(1)
    tell('reading', { at: 0 }, 1)
    await until(() => revocations.state === 'live')
    wallAhead = -HOUR
    ahead = 70 * SECOND
    assert.ok(revocations.age() >= 70 * SECOND)
    ahead = 0
    wallAhead = 70 * SECOND
    assert.ok(revocations.age() >= 70 * SECOND)
  })

  test('of a log that is another one are replaced when they are whole, and not before', async () => {
    const revocations = follow()
    const { tell, response } = await connection(1)
    const isRevoked = (sid: string) => revocations.isRevoked(revocationFacts({ sid }))
    tell('entries', [entry('session', 'former')], 90)
    tell('reading', { at: 0 }, 90)
    await until(() => revocations.state === 'live')
    tell('reset', {})
    tell('entries', [entry('session', 'a')], 3)
    await until(() => revocations.position === 3)
    response.end()
    const second = await connection(2)
    assert.equal(second.headers['last-event-id'], '3')
    assert.deepEqual([isRevoked('former'), isRevoked('a')], [true, true])
    second.tell('reading', { at: 0 }, 4)
    await until(() => revocations.position === 4)
    assert.deepEqual([isRevoked('former'), isRevoked('a')], [false, true])
  })

  test('of another issuer are not taken for this one’s', async () => {
    const revocations = follow()
    const { tell } = await connection(1)
    tell('hello', { issuers: ['https://another.example/'] })
    tell('reading', { at: 0 }, 1)
    await connection(2)
    assert.equal(revocations.age(), Number.POSITIVE_INFINITY)
  })

  test('are asked for with another token when one was refused', async () => {
    status = 401
    const revocations = follow({
      token: {
        get: async () => tokens[0] ?? '',
        forget(token) {
          if (token === tokens[0]) tokens.shift()
          status = 200
        },
      },
    })
    assert.equal((await connection(1)).headers.authorization, 'Bearer token 2')
    assert.equal(revocations.state, 'connecting')
  })

  test('go on over another stream when the token of one expires, and nothing is said of it', async () => {
    const revocations = follow({ random: () => assert.fail('nobody waits') })
    const first = await connection(1)
    first.tell('reading', { at: 0 }, 8)
    await until(() => revocations.position === 8)
    ahead += HOUR
    wallAhead += HOUR
    first.tell('end', { reason: 'expired' })
    const second = await connection(2)
    assert.equal(second.headers['last-event-id'], '8')
    assert.deepEqual([revocations.state, lines.length], ['live', 1])
  })

  test('are asked for with another token when the one of the stream was revoked', async () => {
    const revocations = follow()
    const { tell } = await connection(1)
    tell('reading', { at: 0 }, 8)
    tell('end', { reason: 'revoked' })
    assert.equal((await connection(2)).headers.authorization, 'Bearer token 2')
    assert.equal(revocations.state, 'lost')
  })

  test('are asked for less and less often while no connection lasts, whatever it told', async () => {
    follow({ random: () => 0.04 })
    const began = performance.now()
    for (let number = 1; number < 6; number++) {
      const { tell, response } = await connection(number)
      tell('reading', { at: 0 }, number)
      response.end()
    }
    await connection(6)
    // 10, 20, 40, 80 and 160 milliseconds; five times the first would be 50.
    assert.ok(performance.now() - began >= 300)
  })

  test('say why the issuer ended the stream', async () => {
    const revocations = follow()
    const { tell } = await connection(1)
    tell('reading', { at: 0 }, 8)
    tell('end', { reason: 'closing' })
    await connection(2)
    assert.ok(lines.at(-1)?.endsWith('not followed: ended: closing'))
    assert.equal(revocations.state, 'lost')
  })

  test('bring keys with them, and say of a revoked one that it is', async () => {
    const told: unknown[] = []
    const keys = {
      take: async (jwks: object) => void told.push(jwks),
      forget: (kid: string) => void told.push(kid),
    }
    const revocations = follow({ keys })
    const { tell } = await connection(1)
    tell('keys', { keys: [] })
    tell('entries', [entry('key', 'kid_1')], 1)
    await until(() => revocations.position === 1)
    assert.deepEqual(told, [{ keys: [] }, 'kid_1'])
  })

  test('that hold nonsense are not taken in, and are asked for again', async () => {
    const revocations = follow()
    for (const [index, nonsense] of [
      'data: {\n\n',
      'event: entries\nid: x\ndata: []\n\n',
      'data: \n\n',
      'event: reading\ndata: {}\n\n',
    ].entries()) {
      const { response } = await connection(index + 1)
      response.write(nonsense)
      await connection(index + 2)
    }
    assert.equal(revocations.position, 0)
  })

  test('end with whoever follows them, however far it had come', async () => {
    const revocations = follow()
    const { response } = await connection(1)
    const closed = once(response, 'close')
    await revocations.close()
    await closed
    assert.equal(revocations.state, 'closed')
    revocations.start()
    await revocations.close()
    assert.equal(connections.length, 1)

    let give = () => {}
    const waiting = follow({
      token: { get: () => new Promise((_, reject) => (give = () => reject(new Error('too late')))), forget: () => {} },
    })
    await waiting.close()
    give()
  })

  test('of which no reading comes for five seconds are lost, though bytes come', async context => {
    context.mock.timers.enable({ apis: ['setTimeout'] })
    let begun = 0
    let say = (_text: string) => {}
    const revocations = follow({
      fetch: async (_address, options) => {
        begun++
        const body = new ReadableStream<Uint8Array>({
          start: controller => {
            say = text => controller.enqueue(Buffer.from(text))
            options?.signal?.addEventListener('abort', () => controller.error(options.signal?.reason))
          },
        })
        return new Response(body, { status: 200 })
      },
    })
    const turn = () => new Promise(resolve => setImmediate(resolve))
    await turn()
    await turn()
    say('event: reading\nid: 1\ndata: {"at":0}\n\n')
    await turn()
    await turn()
    assert.equal(revocations.state, 'live')
    context.mock.timers.tick(4 * SECOND)
    say('event: keys\ndata: {"keys":[]}\n\n')
    await turn()
    context.mock.timers.tick(SECOND)
    await turn()
    await turn()
    assert.deepEqual([revocations.state, begun], ['lost', 1])
    assert.match(lines.at(-1) ?? '', /no reading$/)
    context.mock.timers.tick(1)
    await turn()
    await turn()
    assert.equal(begun, 2)
    context.mock.timers.reset()
  })

  test('are not asked for over plain HTTP from another machine, nor by nobody', () => {
    const given = { client: { id: 'edge', secret: 's' } }
    assert.throws(() => createRevocations({ issuer: 'http://id.example/', ...given }), TypeError)
    assert.throws(() => createRevocations({ issuer: 'https://id.example/' }), TypeError)
    createRevocations({ issuer: 'https://id.example/', url: 'http://localhost:4000/', ...given })
  })
})
