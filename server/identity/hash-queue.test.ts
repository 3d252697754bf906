import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, mock, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { BusyError, createHashQueue } from './hash-queue.ts'

/** Work that is done when the test says so. */
function workbench() {
  const queue = createHashQueue()
  const begun: string[] = []
  const ends: (() => void)[] = []
  let running = 0
  let mostAtOnce = 0
  const add = (address: string, name = address) =>
    queue.run(address, async () => {
      begun.push(name)
      mostAtOnce = Math.max(mostAtOnce, ++running)
      await new Promise<void>(resolve => ends.push(resolve))
      running--
      return name
    })
  return {
    queue,
    begun,
    add,
    /** Fails later, when the test looks; until then it is nobody's unhandled rejection. */
    addQuietly: (address: string) => {
      const outcome = add(address)
      outcome.catch(() => {})
      return outcome
    },
    finishOne: async () => {
      ends.shift()?.()
      await turn()
    },
    finishAll: async () => {
      for (; ends.length > 0; await turn()) ends.shift()?.()
    },
    mostAtOnce: () => mostAtOnce,
  }
}

describe('the queue in front of the password hash', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
  afterEach(() => mock.timers.reset())

  test('lets at most two work at once, and everybody work in the end', async () => {
    const bench = workbench()
    const done = Promise.all(Array.from({ length: 12 }, (_, person) => bench.add(`address ${person}`)))
    await turn()
    assert.ok(bench.begun.length <= 2)
    await bench.finishAll()
    assert.equal((await done).length, 12)
    assert.ok(bench.mostAtOnce() <= 2)
  })

  test('takes turns in the order of coming', async () => {
    const bench = workbench()
    const names = ['a', 'b', 'c', 'd', 'e']
    const done = Promise.all(names.map(name => bench.add('address', name)))
    await turn()
    await bench.finishAll()
    await done
    assert.deepEqual(bench.begun, names)
  })

  test('answers with what the work answers, and hands its failure to whoever asked alone', async () => {
    const { queue } = workbench()
    assert.equal(await queue.run('a', async () => 7), 7)
    await assert.rejects(
      queue.run('a', () => Promise.reject(new Error('of the work'))),
      /of the work/,
    )
    assert.equal(await queue.run('a', async () => 8), 8)
  })

  test('gives a turn back when the work fails', async () => {
    const { queue } = workbench()
    for (let round = 0; round < 5; round++) await assert.rejects(queue.run('a', () => Promise.reject(new Error())))
    assert.equal(await queue.run('a', async () => 'a turn'), 'a turn')
  })

  test('lets one address wait with twenty and no more, while another still finds a place', async () => {
    const bench = workbench()
    const running = [bench.add('first'), bench.add('second')]
    await turn()
    const begunAtOnce = bench.begun.length
    const waiting = Array.from({ length: 20 - (2 - begunAtOnce) }, () => bench.add('flood'))
    await assert.rejects(bench.add('flood'), BusyError)
    const other = bench.add('other')
    await bench.finishAll()
    await Promise.all([...running, ...waiting, other])
    assert.ok(bench.begun.includes('other'))
  })

  test('counts an address down again as its turns come', async () => {
    const bench = workbench()
    const all = [bench.add('x'), bench.add('y'), ...Array.from({ length: 20 }, () => bench.add('flood'))]
    await turn()
    await assert.rejects(bench.add('flood'), BusyError)
    await bench.finishOne()
    all.push(bench.add('flood'))
    await assert.rejects(bench.add('flood'), BusyError)
    await bench.finishAll()
    await Promise.all(all)
  })

  test('gives turns to networks rather than to whoever came first, so that a flood is a queue of its own', async () => {
    const bench = workbench()
    const all = [bench.add('x'), bench.add('y')]
    await turn()
    for (let place = 0; place < 6; place++) all.push(bench.add(`2001:db8::${place}`, `flood ${place}`))
    for (const person of ['192.0.2.1', '2001:db8:0:1::1']) all.push(bench.add(person), bench.add(person))
    await bench.finishAll()
    await Promise.all(all)
    const waited = bench.begun.filter(name => !['x', 'y'].includes(name))
    assert.deepEqual(waited.slice(0, 5), ['flood 0', '192.0.2.1', '2001:db8:0:1::1', 'flood 1', '192.0.2.1'])
    assert.deepEqual(waited.slice(-3), ['flood 3', 'flood 4', 'flood 5'])
  })

  test('has one share for a whole IPv6 network, from whichever of its addresses it is asked', async () => {
    const bench = workbench()
    const all = [bench.add('x'), bench.add('y')]
    await turn()
    for (let place = 0; place < 20; place++) all.push(bench.add(`2001:db8:0:1::${place}`))
    await assert.rejects(bench.add('2001:db8:0:1:ffff::'), BusyError)
    all.push(bench.add('2001:db8:0:2::'))
    await bench.finishAll()
    await Promise.all(all)
  })

  test('makes room for somebody new, when it is full, where most wait: the last to come there is sent away', async () => {
    const bench = workbench()
    const all = [bench.add('x'), bench.add('y')]
    await turn()
    for (let place = 0; place < 398; place++) all.push(bench.add(`network ${place % 199}`))
    const last = bench.addQuietly('network 7')
    all.push(bench.add('network 200'))
    const somebody = bench.add('somebody')
    await assert.rejects(last, BusyError)
    await assert.rejects(bench.add('network 7'), BusyError)
    await bench.finishAll()
    await Promise.all([...all, somebody])
    assert.ok(bench.begun.includes('somebody'))
  })

  test('is full at four hundred: who comes then is told at once rather than kept', async () => {
    const bench = workbench()
    const all = [bench.add('x'), bench.add('y')]
    for (let place = 0; place < 400; place++) all.push(bench.add(`address ${place}`))
    await assert.rejects(bench.add('one more'), BusyError)
    await bench.finishAll()
    await Promise.all(all)
  })

  test('lets nobody wait longer than two seconds, and does not do the work of those it sent away', async () => {
    const bench = workbench()
    const running = [bench.add('x'), bench.add('y')]
    const late = bench.addQuietly('late')
    await turn()
    mock.timers.tick(1999)
    await turn()
    const later = bench.addQuietly('later')
    mock.timers.tick(1)
    await assert.rejects(late, BusyError)
    await bench.finishAll()
    await Promise.all([...running, later])
    assert.ok(!bench.begun.includes('late'))
    assert.ok(bench.begun.includes('later'))
  })

  test('counts an address down again when its time ran out', async () => {
    const bench = workbench()
    const running = [bench.add('x'), bench.add('y')]
    const sentAway = Array.from({ length: 20 }, () => bench.addQuietly('flood'))
    mock.timers.tick(2000)
    for (const one of sentAway) await assert.rejects(one, BusyError)
    const again = bench.add('flood')
    await bench.finishAll()
    await Promise.all([...running, again])
  })

  test('sends away neither somebody whose turn has come, however long the work takes, nor another in their place', async () => {
    const bench = workbench()
    const all = [bench.add('x'), bench.add('y'), bench.add('z')]
    await turn()
    mock.timers.tick(1000)
    await bench.finishOne()
    await bench.finishOne()
    all.push(bench.add('v'), bench.add('w'))
    mock.timers.tick(1999)
    await bench.finishAll()
    assert.deepEqual(bench.begun, ['x', 'y', 'z', 'v', 'w'])
    assert.deepEqual(await Promise.all(all), ['x', 'y', 'z', 'v', 'w'])
  })
})
