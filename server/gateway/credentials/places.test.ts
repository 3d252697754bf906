import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createPlaces } from './places.ts'

describe('places for questions that a stranger can cause', () => {
  test('are as many as they are, with a row before them, and no more', async () => {
    const places = createPlaces({ mostAtOnce: 2, mostWaiting: 1, mostFromOne: 9 })
    const [first, second] = [await places.enter('a'), await places.enter('a')]
    const third = places.enter('a')
    assert.equal(await places.enter('b'), undefined, 'the row is full')
    first?.()
    const leave = await third
    assert.ok(leave)
    second?.()
    leave()
    for (const network of ['c', 'd']) assert.ok(await places.enter(network), 'all were given back')
  })

  test('are not all for one network', async () => {
    const places = createPlaces({ mostAtOnce: 4, mostWaiting: 4, mostFromOne: 2 })
    const [first] = [await places.enter('a'), await places.enter('a')]
    assert.equal(await places.enter('a'), undefined)
    assert.ok(await places.enter('b'))
    first?.()
    assert.ok(await places.enter('a'))
  })

  test('go next to whoever has the fewest under way', async () => {
    const places = createPlaces({ mostAtOnce: 3, mostWaiting: 9, mostFromOne: 9 })
    const leave = [await places.enter('flood'), await places.enter('flood'), await places.enter('flood')]
    const order: string[] = []
    const waiting = ['flood', 'flood', 'other', 'third'].map(async network => {
      await places.enter(network)
      order.push(network)
    })
    for (const one of leave.slice(1)) one?.()
    await Promise.all(waiting.slice(2))
    assert.deepEqual(order, ['other', 'third'])
  })
})
