import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { NOW, TENANT } from '../../tests/fixtures/records.ts'
import type { EventRecord } from '../store/events.ts'
import { MANAGED } from './events.ts'
import { toLog } from './log-document.ts'
import { EVENT_TYPES, eventTypesFor, hasOneCode, logTypeOf } from './log-types.ts'

const eventOf = (members: Partial<EventRecord>): EventRecord => ({
  id: '018f0000-0000-7000-8000-000000000000',
  tenant: TENANT,
  at: NOW,
  type: 'session.started',
  actor: { kind: 'client', id: 'app', client: 'app', onBehalfOf: null },
  target: null,
  requestId: 'request-1',
  details: {},
  personal: { address: '192.0.2.1', userAgent: null },
  user: null,
  ...members,
})
const NOBODY = { clientName: () => undefined, userName: () => undefined, connection: () => undefined }

describe('what events are called in logs', () => {
  test('has a row for every type that the catalogue of events names, and none besides', () => {
    const text = readFileSync(new URL('./events.ts', import.meta.url), 'utf8')
    const named = [...text.matchAll(/^\s+'([a-z-]+\.[a-z-]+)',$|event\(\w+, '([a-z-]+\.[a-z-]+)'/gm)].map(
      ([, alone, beside]) => alone ?? beside ?? '',
    )
    assert.ok(named.length > 25)
    for (const type of named) assert.ok(EVENT_TYPES.includes(type), type)
    for (const kind of MANAGED)
      for (const change of ['created', 'changed', 'removed']) assert.ok(EVENT_TYPES.includes(`${kind}.${change}`))
    assert.equal(new Set(EVENT_TYPES).size, EVENT_TYPES.length)
  })

  test('is one of the codes by which the event is found, whoever did it', () => {
    for (const type of EVENT_TYPES)
      for (const kind of ['user', 'client', 'operator', 'system', 'anonymous'] as const)
        for (const details of [{}, { what: 'network' }, { reason: 'unusable-hash' }])
          for (const target of [null, { kind: 'user', id: 'auth0|ann' }]) {
            const actor = { kind, id: 'x', client: null, onBehalfOf: null }
            const { code, description } = logTypeOf(eventOf({ type, actor, details, target }))
            assert.ok(eventTypesFor(one => one === code).includes(type), `${type} goes by ${code}`)
            assert.notEqual(description, '')
            if (hasOneCode(type)) assert.equal(code, logTypeOf(eventOf({ type })).code)
          }
  })

  test('tells a wrong password from a name that nobody has, and one that could not be tried', () => {
    const failed = (target: EventRecord['target'], details = {}) =>
      logTypeOf(eventOf({ type: 'sign-in.failed', target, details })).code
    assert.equal(failed({ kind: 'user', id: 'auth0|ann' }), 'fp')
    assert.equal(failed(null), 'fu')
    assert.equal(failed({ kind: 'user', id: 'auth0|ann' }, { reason: 'unusable-hash' }), 'f')
  })

  test('is an event’s own name where a newer version wrote it', () => {
    assert.equal(logTypeOf(eventOf({ type: 'moon.landed' })).code, 'moon.landed')
  })

  test('comes with whom it is about, what for, and what else is known of it', () => {
    const log = toLog(
      eventOf({
        type: 'authorization.given',
        user: 'auth0|ann',
        details: { audiences: { 'https://api.example': ['read'], 'https://login.example/userinfo': ['openid'] } },
        personal: { address: '192.0.2.1', userAgent: 'Mobile Safari', email: 'ann@example.com', changes: { a: 1 } },
      }),
      { ...NOBODY, clientName: id => (id === 'app' ? 'App' : undefined) },
    )
    assert.deepEqual(log, {
      date: new Date(NOW).toISOString(),
      type: 'authorization.given',
      description: 'Answered an authorization request',
      client_id: 'app',
      client_name: 'App',
      ip: '192.0.2.1',
      user_agent: 'Mobile Safari',
      isMobile: true,
      user_id: 'auth0|ann',
      user_name: 'ann@example.com',
      audience: 'https://api.example',
      scope: 'read openid',
      details: {
        event: 'authorization.given',
        actor: { kind: 'client', id: 'app', on_behalf_of: null },
        target: null,
        request_id: 'request-1',
        audiences: { 'https://api.example': ['read'], 'https://login.example/userinfo': ['openid'] },
        changes: { a: 1 },
      },
      _id: '018f0000-0000-7000-8000-000000000000',
      log_id: '018f0000-0000-7000-8000-000000000000',
    })
  })
})
