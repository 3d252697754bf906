import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import type { BusMessage } from '../kernel/bus.ts'
import { createMemoryBus } from './memory.ts'

const message: BusMessage = { topic: 'client', tenant: 't', id: 'app' }

describe('the bus of one process', () => {
  test('has told every listener of the topic, and no other, when publish returns', () => {
    const bus = createMemoryBus()
    const heard: string[] = []
    bus.subscribe('client', ({ id }) => heard.push(`first ${id}`))
    bus.subscribe('client', ({ id }) => heard.push(`second ${id}`))
    bus.subscribe('host', () => heard.push('host'))
    bus.publish(message)
    assert.deepEqual(heard, ['first app', 'second app'])
  })

  test('a listener that throws disturbs neither the publisher nor the next listener', async () => {
    const bus = createMemoryBus()
    const heard: BusMessage[] = []
    bus.subscribe('client', () => {
      throw new Error('a bug')
    })
    bus.subscribe('client', message => heard.push(message))
    const warned = once(process, 'warning')
    bus.publish(message)
    assert.deepEqual(heard, [message])
    const [warning] = (await warned) as [Error]
    assert.equal((warning.cause as Error).message, 'a bug')
  })

  test('is silent once closed', async () => {
    const bus = createMemoryBus()
    bus.subscribe('client', () => assert.fail('heard after the end'))
    await bus.close()
    bus.publish(message)
  })
})
