import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, afterEach, beforeEach, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { OperatorError } from '../kernel/errors.ts'
import type { JsonObject, JsonValue } from '../kernel/json.ts'
import { type Log, silentLog } from '../kernel/log.ts'
import { askServer, ServerBusyError } from './ask.ts'
import { type ControlOptions, openControl } from './listen.ts'
import type { Request } from './messages.ts'

const REQUEST: Request = { version: '1.2.3', database: null, operation: 'echo', given: { word: '한국어 "\n' } }

/** Listens in another process until it is killed. */
const LISTENER = `
  const { openControl } = await import(${JSON.stringify(new URL('listen.ts', import.meta.url).href)})
  const { silentLog } = await import(${JSON.stringify(new URL('../kernel/log.ts', import.meta.url).href)})
  const operate = process.argv[2] === 'die' ? () => process.kill(process.pid, 'SIGKILL') : async () => 'the other'
  await openControl({ folder: process.argv[1], version: '1.2.3', database: null, log: silentLog, operate })
  console.log('listening')
  setInterval(() => {}, 1000)
`

describe('the control socket', () => {
  const top = mkdtempSync(join(tmpdir(), 'latchkey-control-'))
  let folder = ''
  let logged: string[] = []
  let opened: { close(): Promise<void> }[] = []
  let folders = 0
  const log: Log = { ...silentLog, warn: fields => void logged.push(JSON.stringify(fields)) }
  const socket = () => join(folder, 'control.sock')
  const operate = async (operation: string, given: JsonObject): Promise<JsonValue> => ({ operation, given })

  const open = async (options: Partial<ControlOptions> = {}) => {
    const control = await openControl({ folder, version: '1.2.3', database: null, operate, log, ...options })
    opened.push(control)
    return control
  }
  const ask = (changes: Partial<Request> = {}) => askServer(folder, { ...REQUEST, ...changes })
  const refuses = (asking: Promise<unknown>, sentence: RegExp) =>
    assert.rejects(asking, (error: unknown) => error instanceof OperatorError && sentence.test(error.message))
  /** What answers whatever is written, byte for byte. */
  const say = async (line: string | Buffer) => {
    const socketTo = connect(socket())
    socketTo.on('error', () => {})
    socketTo.end(line)
    return text(socketTo)
  }
  const another = async (...args: string[]) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', LISTENER, folder, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    return child
  }

  beforeEach(() => {
    folder = join(top, String(folders++))
    mkdirSync(folder)
    logged = []
    opened = []
  })
  afterEach(() => Promise.all(opened.map(control => control.close())))
  after(() => rmSync(top, { recursive: true }))

  test('carries what is asked and what is answered, whatever their letters', async () => {
    await open()
    assert.deepEqual(await ask(), { result: { operation: 'echo', given: REQUEST.given } })
  })

  test('carries a tenant file of 10 MiB, in which every byte is one that JSON escapes', async () => {
    await open({ operate: async (_, { word }) => String(word).length })
    assert.deepEqual(await ask({ given: { word: '"'.repeat(10 * 1024 * 1024) } }), { result: 10 * 1024 * 1024 })
  })

  test('asks nothing that is longer than the server would read, and says so', async () => {
    await open()
    await refuses(
      ask({ given: { word: 'x'.repeat(33 * 1024 * 1024) } }),
      /more than can be asked at once: 32 MiB.+Nothing was done/,
    )
  })

  test('is the owner’s alone, also in a folder that is open to all, and leaves nothing else there', async () => {
    chmodSync(folder, 0o777)
    const umask = process.umask(0)
    await open()
    process.umask(umask)
    assert.equal((lstatSync(socket()).mode & 0o777).toString(8), '600')
    assert.deepEqual(readdirSync(folder), ['control.sock'])
  })

  test('is gone when the server has closed; nobody is asked then', async () => {
    const control = await open()
    await control.close()
    assert.deepEqual(readdirSync(folder), [])
    assert.equal(await ask(), undefined)
    folder = join(folder, 'missing')
    assert.equal(await ask(), undefined)
  })

  test('works in a folder whose path is longer than the system takes for a socket', async () => {
    folder = join(folder, 'a'.repeat(120), '한'.repeat(40))
    mkdirSync(folder, { recursive: true })
    const control = await open()
    assert.ok(existsSync(socket()))
    assert.deepEqual(await ask({ given: {} }), { result: { operation: 'echo', given: {} } })
    const ways = readdirSync(tmpdir()).filter(name => existsSync(join(tmpdir(), name, 'd', 'control.sock')))
    assert.deepEqual(ways, [], 'the way there is gone')
    await control.close()
    assert.equal(existsSync(socket()), false)
  })

  test('that a killed server left is replaced', async () => {
    const child = await another()
    child.kill('SIGKILL')
    await once(child, 'exit')
    assert.ok(lstatSync(socket()).isSocket())
    assert.equal(await ask(), undefined)
    await open()
    assert.deepEqual(await ask({ given: {} }), { result: { operation: 'echo', given: {} } })
    assert.deepEqual(logged, [])
  })

  test('of a living server is left to it, and stays when the second one closes', async () => {
    const child = await another()
    try {
      const control = await open()
      assert.match(logged.join(), /Another server answers/)
      await control.close()
      assert.deepEqual(await ask(), { result: 'the other' })
    } finally {
      child.kill('SIGKILL')
    }
  })

  test('is one server’s, of several that start at once over what a killed one left', async () => {
    const child = await another()
    child.kill('SIGKILL')
    await once(child, 'exit')
    const names = ['one', 'two', 'three', 'four']
    const controls = await Promise.all(names.map(name => open({ operate: async () => name })))
    assert.equal(logged.length, names.length - 1)
    const { result } = (await ask()) ?? assert.fail('nobody answers')
    assert.deepEqual(readdirSync(folder), ['control.sock'])
    for (const [place, name] of names.entries()) if (name !== result) await controls[place]?.close()
    assert.deepEqual(await ask(), { result })
  })

  test('never takes the place of a file that is none, and the server does without', async () => {
    writeFileSync(socket(), 'a letter')
    await (await open()).close()
    assert.match(logged.join(), /is not a socket/)
    assert.equal(statSync(socket()).size, 8)
  })

  test('cannot be made where nothing can be written; the server does without', async () => {
    folder = join(folder, 'missing')
    await (await open()).close()
    assert.match(logged.join(), /ENOENT/)
  })

  test('tells what the operator can mend, and of a bug only where to look', async () => {
    const errors: object[] = []
    const failing = { ...log, error: (fields: object) => void errors.push(fields) }
    let thrown: Error = new OperatorError('The host is taken.')
    await open({ operate: () => Promise.reject(thrown), log: failing })
    await refuses(ask(), /^The host is taken\.$/)
    assert.deepEqual(errors, [])
    thrown = new TypeError('password hunter2 of undefined')
    await refuses(ask(), /^The server failed at this; its log has the cause under the request [0-9a-f-]{36}\.$/)
    assert.deepEqual(
      errors.map(fields => (fields as { error: unknown }).error),
      [thrown],
    )
  })

  test('refuses another version’s command and another database’s, and carries nothing out', async () => {
    let carriedOut = 0
    await open({ database: 'sha', operate: async () => ++carriedOut })
    await refuses(ask({ version: '1.2.4' }), /running server is Latchkey 1\.2\.3, and this command is 1\.2\.4/)
    await refuses(ask({ database: 'another' }), /LATCHKEY_DATABASE_URL names another database/)
    assert.equal(carriedOut, 0)
    assert.deepEqual(await ask({ database: 'sha' }), { result: 1 })
    assert.deepEqual(await ask({ database: null }), { result: 2 }, 'a command that was told of no database')
  })

  test('answers what is no request in a sentence, and goes on', async () => {
    await open()
    for (const line of ['{}\n', '[]\n', 'null\n', 'GET / HTTP/1.1\r\n\r\n', '{"version":1}\n', Buffer.from([0xff, 10])])
      assert.match(await say(line), /^\{"fault":\{"code":"malformed"/)
    assert.equal(await say('{"version":"1.2.3"'), '', 'half a line')
    assert.equal(await say(''), '')
    assert.ok(await ask())
  })

  test('reads no line without an end', async () => {
    await open()
    const endless = connect(socket())
    const closed = new Promise(resolve => endless.on('error', () => {}).on('close', resolve))
    let written = 0
    const write = () => {
      while (!endless.destroyed && endless.write('x'.repeat(1024 * 1024))) written++
      written++
    }
    endless.on('drain', write)
    write()
    endless.resume()
    await closed
    assert.ok(written < 40, `${written} MiB were taken`)
    assert.ok(await ask())
  })

  test('does one thing at a time, also after one that failed', async () => {
    const events: string[] = []
    const gate = Promise.withResolvers<void>()
    await open({
      operate: async (_, { name }) => {
        events.push(`${name} begins`)
        await gate.promise
        events.push(`${name} ends`)
        if (events.length === 2) throw new OperatorError('no')
        return null
      },
    })
    const asked = ['a', 'b', 'c'].map(name => ask({ given: { name } }).catch(() => 'failed'))
    // Whoever came later and said nothing has been let go: all three have arrived.
    await say('')
    assert.equal(events.length, 1)
    gate.resolve()
    assert.equal((await Promise.all(asked)).filter(answer => answer === 'failed').length, 1)
    for (const begins of [0, 2, 4]) assert.equal(events[begins]?.replace('begins', 'ends'), events[begins + 1])
    assert.equal(events.length, 6)
  })

  test('is open to commands while somebody holds many connections in silence', async () => {
    await open()
    const silent = Array.from({ length: 100 }, () => connect(socket()).on('error', () => {}))
    await Promise.all(silent.map(one => once(one, 'connect')))
    const began = Date.now()
    assert.ok(await ask())
    assert.ok(Date.now() - began < 5000)
    for (const one of silent) one.destroy()
  })

  test('says of more commands than it can hold that nothing was done, and does each of the others', async () => {
    const gate = Promise.withResolvers<void>()
    let done = 0
    await open({
      operate: async () => {
        await gate.promise
        return ++done
      },
    })
    const asked = Array.from({ length: 100 }, () => ask().catch((error: unknown) => error))
    const isBusy = (outcome: unknown) => outcome instanceof ServerBusyError && /Nothing was done/.test(outcome.message)
    // The first refusal comes while everybody else waits.
    const first = await Promise.race([...asked, pause(5000, 'nobody was refused', { ref: false })])
    gate.resolve()
    assert.ok(isBusy(first), String(first))
    const outcomes = await Promise.all(asked)
    const refused = outcomes.filter(isBusy)
    assert.equal(refused.length, outcomes.length - done, String(outcomes.find(one => !isBusy(one))))
    assert.ok(done >= 32, `${done} were done`)
    assert.ok(await ask())
  })

  test('closes when what is under way is done and answered, and begins nothing more', async () => {
    const begun = Promise.withResolvers<void>()
    const gate = Promise.withResolvers<void>()
    const control = await open({
      operate: async () => {
        begun.resolve()
        await gate.promise
        return 'done'
      },
    })
    const first = ask()
    await begun.promise
    const second = ask()
    // Whoever came later and said nothing has been let go: the second has arrived.
    await say('')
    const closed = control.close()
    gate.resolve()
    assert.deepEqual(await first, { result: 'done' })
    await refuses(second, /The server is closing\. Nothing was done\./)
    await closed
    assert.equal(existsSync(socket()), false)
  })

  test('tells the command when the server dies over it', async () => {
    const child = await another('die')
    try {
      await refuses(ask(), /The server ended before it said how this went/)
    } finally {
      child.kill('SIGKILL')
    }
  })
})
