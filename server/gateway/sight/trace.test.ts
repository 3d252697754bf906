import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { traceOf } from './trace.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT = '00f067aa0ba902b7'
const SOUND = `00-${TRACE}-${PARENT}-01`

const ask = (traceparent?: string, tracestate?: string) =>
  traceOf({
    id: 'r1',
    headers: { ...(traceparent !== undefined && { traceparent }), ...(tracestate && { tracestate }) },
  })

describe('the trace of a request', () => {
  test('is passed on as it came, its parent too, since nobody keeps a span of ours', () => {
    assert.deepEqual(ask(SOUND, 'congo=t61rcWkgMzE, rojo@vendor=00f067'), {
      id: TRACE,
      traceparent: SOUND,
      tracestate: 'congo=t61rcWkgMzE,rojo@vendor=00f067',
    })
  })

  test('is nobody’s where nobody traces: services decide for themselves what they sample', () => {
    assert.equal(ask(), null)
    assert.equal(ask(undefined, 'congo=1'), null)
  })

  test('that cannot be read is a new one, the same whenever it is asked, without what was said of the other', () => {
    for (const broken of [
      '',
      'junk',
      `00-${TRACE}-${PARENT}`,
      `00-${TRACE}-${PARENT}-01-more`,
      `ff-${TRACE}-${PARENT}-01`,
      `00-${TRACE.toUpperCase()}-${PARENT}-01`,
      `00-${'0'.repeat(32)}-${PARENT}-01`,
      `00-${TRACE}-${'0'.repeat(16)}-01`,
      `${SOUND}, ${SOUND}`,
      `${SOUND}\u00e9`,
    ]) {
      const trace = ask(broken, 'congo=t61rcWkgMzE')
      assert.match(trace?.traceparent ?? '', /^00-[\da-f]{32}-[\da-f]{16}-01$/, broken)
      assert.notEqual(trace?.id, TRACE, broken)
      assert.equal(trace?.tracestate, null, broken)
      assert.deepEqual(ask(broken), trace)
    }
  })

  test('of a later version is passed on as far as it is understood', () => {
    assert.equal(ask(`cc-${TRACE}-${PARENT}-fd-what the future says`)?.traceparent, `00-${TRACE}-${PARENT}-01`)
  })

  test('keeps no state that is too long, or not what it should be', () => {
    const many = (count: number) => Array.from({ length: count }, (_, at) => `k${at}=v`).join(',')
    assert.equal(ask(SOUND, many(32))?.tracestate, many(32))
    for (const broken of [many(33), `k=${'v'.repeat(511)}`, 'K=v', 'k', 'k=v=w', '=v', 'k=', 'k=\u0001', 'a=1,b'])
      assert.equal(ask(SOUND, broken)?.tracestate, null, broken)
  })
})
