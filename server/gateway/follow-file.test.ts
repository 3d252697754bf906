import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { silentLog } from '../kernel/log.ts'
import { type Following, followRouteFile } from './follow-file.ts'
import type { EdgePlan } from './plan.ts'
import { inspectRouteFile, readRouteFile } from './route-file/read.ts'

const options = { environment: {}, now: 0 }
const routed = (path: string, more = '') => `
routes: [{ match: { path: ${path} }, access: public, upstream: videos }]
upstreams: { videos: { targets: [{ url: "http://127.0.0.1:5001" }] } }
${more}`

describe('a route file that is followed', () => {
  let folder = ''
  let following: Following | undefined
  /** What the gateway was told, in order: the path of its only route, or that it keeps what it has. */
  let told: string[] = []
  let complaints: object[] = []
  let heard = () => {}

  const write = (text: string): void => {
    writeFileSync(join(folder, 'next'), text)
    renameSync(join(folder, 'next'), join(folder, 'edge.yaml'))
  }
  const tell = (what: string): void => {
    told.push(what)
    heard()
  }
  const toldAfter = async (act: () => void): Promise<string | undefined> => {
    const next = new Promise<void>(resolve => {
      heard = resolve
    })
    const waiting = setInterval(() => {}, 1000)
    act()
    await next
    clearInterval(waiting)
    return told.at(-1)
  }
  const start = async (reload: (plan: EdgePlan) => Promise<void> = async () => {}) => {
    const file = join(folder, 'edge.yaml')
    following = followRouteFile({
      first: await readRouteFile(file, options),
      read: () => inspectRouteFile(file, options),
      gateway: {
        async reload(plan) {
          await reload(plan)
          tell(plan.routes[0]?.match.path ?? '')
        },
        keepPlan: () => tell('kept'),
      },
      log: {
        ...silentLog,
        error: fields => void complaints.push(fields),
        warn: fields => void complaints.push(fields),
      },
      watching: { quiet: 20, interval: 3_600_000 },
    })
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-follow-'))
    told = []
    complaints = []
    write(routed('/one'))
  })
  afterEach(() => {
    following?.stop()
    rmSync(folder, { recursive: true })
  })

  test('is in force once it changed', async () => {
    await start()
    assert.equal(await toldAfter(() => write(routed('/two'))), '/two')
  })

  test('leaves the one before in force while it has faults, which are told with their lines', async () => {
    await start()
    assert.equal(await toldAfter(() => write(routed('/two', 'lisen: x'))), 'kept')
    assert.match(JSON.stringify(complaints), /edge\.yaml:4: The file has no member \\"lisen\\"/)
    assert.equal(await toldAfter(() => write('{')), 'kept')
    assert.equal(await toldAfter(() => rmSync(join(folder, 'edge.yaml'))), 'kept')
    assert.equal(await toldAfter(() => write(routed('/three'))), '/three')
  })

  test('is read again when a file that it names changes, also one that was missing', async () => {
    const named = routed('/two', 'redis: { file: redis.secret }')
    await start()
    assert.equal(await toldAfter(() => write(named)), 'kept')
    const secret = (text: string) => writeFileSync(join(folder, 'redis.secret'), text, { mode: 0o600 })
    assert.equal(await toldAfter(() => secret('redis://:a@127.0.0.1:6379')), '/two')
    assert.equal(await toldAfter(() => secret('redis://:b@127.0.0.1:6379')), '/two')
  })

  test('is read when somebody asks, though nothing changed', async () => {
    await start()
    await following?.reload()
    assert.deepEqual(told, ['/one'])
  })

  test('that the gateway cannot open leaves it as it was', async () => {
    await start(async ({ routes }) => {
      if (routes[0]?.match.path === '/two') throw new Error('nobody knows')
    })
    assert.equal(await toldAfter(() => write(routed('/two'))), 'kept')
    assert.equal(await toldAfter(() => write(routed('/three'))), '/three')
  })

  test('says what of it needs a restart', async () => {
    await start()
    await following?.reload()
    assert.deepEqual(complaints, [])
    await toldAfter(() => write(routed('/two', 'listen: 127.0.0.1:4009\nlimits: { connections: 5 }')))
    assert.deepEqual(complaints, [{ members: ['listen', 'limits'] }])
  })

  test('is in force as it was read last, however many changes come while one is put in force', async () => {
    let finish = () => {}
    let begin = () => {}
    const begun = new Promise<void>(resolve => {
      begin = resolve
    })
    await start(({ routes }) => {
      if (routes[0]?.match.path !== '/two') return Promise.resolve()
      begin()
      return new Promise(resolve => {
        finish = resolve
      })
    })
    write(routed('/two'))
    const first = following?.reload()
    await begun
    write(routed('/three'))
    const second = following?.reload()
    finish()
    await Promise.all([first, second])
    assert.equal(told.at(-1), '/three')
  })
})
