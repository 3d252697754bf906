/** A text that people are searched by, and what somebody might hope it does beyond that. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { countRows } from '../fixtures/dump.ts'
import { type Management, startManagement } from '../fixtures/management.ts'

/** Quotes and comments of both databases, ends of statements, parameters, patterns, and what reads other tables. */
const SQL = [
  "'",
  "''",
  "' or '1'='1",
  "' or 1=1 --",
  "'; drop table users; --",
  "'); delete from users; select ('",
  "' union select id, secret from credentials --",
  '" or ""="',
  '"; select pg_sleep(5); --',
  "' || (select settings from tenants) || '",
  '\\',
  "\\'; select 1 --",
  '$1',
  ':tenant',
  '?1',
  '@user',
  '%',
  '_',
  '%%%',
  '[a-z]',
  '*/ or 1=1 /*',
  '\0',
  "admin'/*",
  'ａdmin＇ or 1=1',
  '{{7*7}}',
  '__proto__',
  'constructor.prototype',
]

/** Each at a place of the language where it would be taken for something else, if anywhere. */
const PLACES: readonly ((text: string) => string)[] = [
  text => text,
  text => `name:${text}`,
  text => `name:"${text}"`,
  text => `name:"${text.replace(/["\\]/g, '\\$&')}"`,
  text => `name:${text.replace(/[^a-z0-9]/gi, '\\$&')}*`,
  text => `name:*abc${text.replace(/[^a-z0-9]/gi, '\\$&')}`,
  text => `name:["${text.replace(/["\\]/g, '\\$&')}" TO "${text.replace(/["\\]/g, '\\$&')}"]`,
  text => `${text.replace(/[^a-z0-9]/gi, '\\$&')}:x`,
  text => `app_metadata.${text.replace(/[^a-z0-9]/gi, '\\$&')}:x`,
  text => `_exists_:"${text.replace(/["\\]/g, '\\$&')}"`,
  text => `user_id:"${text.replace(/["\\]/g, '\\$&')}"`,
  text => `last_login:["${text.replace(/["\\]/g, '\\$&')}" TO *]`,
  text => `identities.connection:"${text.replace(/["\\]/g, '\\$&')}"`,
  text => `email.domain:"${text.replace(/["\\]/g, '\\$&')}"`,
]

describe('A search for people', () => {
  let management: Management
  before(async () => {
    management = await startManagement({ environment: { LATCHKEY_MANAGEMENT_CALLS: '0' } })
    await management.server.latchkey.operate('tenants create', { name: 'Other', issuer: 'https://other.example.com/' })
    await management.server.latchkey.operate('users create', {
      tenant: 'Other',
      email: 'stranger@example.com',
      name: 'Stranger',
      password: 'a passphrase that nobody guesses',
      isVerified: true,
      roles: [],
    })
  })
  after(() => management?.close())

  const ask = (parameters: Record<string, string>) =>
    management.call('GET', `/users?${new URLSearchParams(parameters)}`)

  test('finds nobody by what would be SQL, says where it cannot be read, and does nothing else', async () => {
    const before = countRows(management.server.environment)
    for (const text of SQL)
      for (const place of PLACES) {
        const { status, body } = await ask({ q: place(text) })
        if (status === 200) assert.deepEqual(body, [], place(text))
        else {
          assert.deepEqual([status, body.errorCode], [400, 'invalid_query_string'], place(text))
          assert.match(body.message, /^Query validation error: /)
        }
      }
    assert.deepEqual(countRows(management.server.environment), before)
  })

  test('has no other parameter through which it would', async () => {
    for (const text of SQL)
      for (const parameters of [
        { sort: `${text}:1` },
        { sort: `email:${text}` },
        { connection: text },
        { from: text },
      ]) {
        const { status, body } = await ask(parameters)
        assert.ok(status === 400 || (status === 200 && body.length === 0), JSON.stringify([parameters, status]))
      }
    for (const text of SQL.filter(text => text.trim() !== '')) {
      const { status, body } = await management.call('GET', `/users-by-email?${new URLSearchParams({ email: text })}`)
      assert.ok(status === 400 || (status === 200 && body.length === 0))
    }
  })

  test('stays in its tenant, whatever it asks for', async () => {
    for (const q of ['*', 'stranger@example.com', 'name:*', 'NOT name:nobody', 'user_id:auth0*', 'tenant:other']) {
      const { body } = await ask({ q, include_totals: 'true', per_page: '100' })
      assert.ok(!JSON.stringify(body).includes('stranger'), q)
    }
  })

  test('takes what can be written down in a moment, and no more than a moment', async () => {
    const many = Array.from({ length: 200 }, (_, index) => `name:*abc${index}*d*e`).join(' OR ')
    const deep = `${'('.repeat(20)}name:x${')'.repeat(20)}`
    const alternating = `name:*${'aaa*'.repeat(4)}b`
    const negated = Array.from({ length: 100 }, (_, index) => `NOT app_metadata.a${index}:[1 TO 2]`).join(' AND ')
    for (const q of [many, deep, alternating, negated]) {
      const began = performance.now()
      const { status } = await ask({ q })
      assert.ok(status === 200 || status === 400)
      assert.ok(performance.now() - began < 5000, q.slice(0, 50))
    }
  })
})
