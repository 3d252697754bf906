import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import type { BusListener, BusMessage } from '../kernel/bus.ts'
import { createMemoryBus } from './memory.ts'

const message: BusMessage = { topic: 'client', tenant: 't', id: 'app' }

const hearing = (heard: (message: BusMessage) => unknown): BusListener => ({
  heard,
  missed: () => assert.fail('nothing was lost'),
})

describe('the bus of one process', () => {
  test('has told every listener of the topic, and no other, when publish returns', () => {
    const bus = createMemoryBus()
    const heard: string[] = []
    bus.subscribe(
      'client',
      hearing(({ id }) => heard.push(`first ${id}`)),
    )
    bus.subscribe(
      'client',
      hearing(({ id }) => heard.push(`second ${id}`)),
    )
    bus.subscribe(
      'host',
      hearing(() => heard.push('host')),
    )
    bus.publish(message)
    assert.deepEqual(heard, ['first app', 'second app'])
  })

  test('a listener that throws disturbs neither the publisher nor the next listener', async () => {
    const bus = createMemoryBus()
    const heard: BusMessage[] = []
    bus.subscribe(
      'client',
      hearing(() => {
        throw new Error('a bug')
      }),
    )
    bus.subscribe(
      'client',
      hearing(message => heard.push(message)),
    )
    const warned = once(process, 'warning')
    bus.publish(message)
    assert.deepEqual(heard, [message])
    const [warning] = (await warned) as [Error]
    assert.equal((warning.cause as Error).message, 'a bug')
  })

  test('tells listeners of every topic that messages may be lost, whatever one of them throws', async () => {
    const bus = createMemoryBus()
    const told: string[] = []
    bus.subscribe('client', {
      heard() {},
      missed() {
        throw new Error('a bug')
      },
    })
    for (const topic of ['client', 'host']) bus.subscribe(topic, { heard() {}, missed: () => told.push(topic) })
    const warned = once(process, 'warning')
    bus.miss()
    assert.deepEqual(told, ['client', 'host'])
    await warned
  })

  test('is silent once closed', async () => {
    const bus = createMemoryBus()
    bus.subscribe('client', { heard: () => assert.fail('heard after the end'), missed: () => assert.fail('likewise') })
    await bus.close()
    bus.publish(message)
    bus.miss()
  })
})
