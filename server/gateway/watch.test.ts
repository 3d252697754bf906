import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MINUTE, SECOND } from '../kernel/seconds.ts'
import { Deadlines } from './deadlines.ts'
import { type Caller, type RefusalCode, Refused } from './exchange.ts'
import { Watch, type Watched } from './watch.ts'

const START = 1_800_000_000_000

/** A socket of somebody whose token only its issuer can read, and what the issuer says of it. */
function opened(answer: () => RefusalCode | undefined, onStale: 'deny' | 'allow' = 'deny') {
  let now = START
  let asked = 0
  const ended: RefusalCode[] = []
  const watch = new Watch(new Deadlines(() => now), () => now)
  const caller = {
    issuer: { revocations: null },
    claims: {},
    signed: null,
    async askAgain() {
      asked++
      const code = answer()
      if (code) throw new Refused({ code })
    },
  } as unknown as Caller
  const socket: Watched = {
    caller,
    route: { onStale: { after: 30 * SECOND, do: onStale } } as Watched['route'],
    isLasting: true,
    end({ code }) {
      ended.push(code)
      watch.delete(socket)
    },
  }
  watch.add(socket)
  return {
    ended,
    asked: () => asked,
    /** So many seconds, one after another. */
    async pass(seconds: number) {
      for (let second = 0; second < seconds; second++) {
        now += SECOND
        watch.look(now)
        await new Promise(resolve => setImmediate(resolve))
      }
    },
  }
}

describe('a socket whose token only its issuer can read', () => {
  test('goes on for as long as the issuer says that it counts, and is asked about once a minute', async () => {
    const { ended, asked, pass } = opened(() => undefined)
    await pass(MINUTE / SECOND - 1)
    assert.equal(asked(), 0)
    await pass(3 * 60)
    assert.equal(asked(), 3)
    assert.deepEqual(ended, [])
  })

  test('ends within a minute of when the issuer says that it does not', async () => {
    let code: RefusalCode | undefined
    const { ended, pass } = opened(() => code)
    await pass(70)
    code = 'invalid_token'
    await pass(60)
    assert.deepEqual(ended, ['invalid_token'])
  })

  test('goes on while the issuer is away, for as long as its route says', async () => {
    const denied = opened(() => 'introspection_unavailable')
    await denied.pass(80)
    assert.deepEqual(denied.ended, [])
    await denied.pass(60)
    assert.deepEqual(denied.ended, ['introspection_unavailable'])

    const allowed = opened(() => 'introspection_unavailable', 'allow')
    await allowed.pass(10 * 60)
    assert.deepEqual(allowed.ended, [])
  })
})
