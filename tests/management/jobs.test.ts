/** Jobs: people in by a file, out by a file, and the mail that asks for an address, with Auth0's own library where it has them. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { request } from 'node:https'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import type { JobStatus, NewJob } from '../../server/store/jobs.ts'
import { type Management, type ManagementOptions, startManagement } from '../fixtures/management.ts'
import { onEachStore } from '../fixtures/server.ts'

const BCRYPT = '$2b$10$C9hG3V3mCkpTqM2e0s3BnOWkO1CkX8kKq3oOe7Yc8Gd9cQ1oJ4x7C'

interface Job {
  readonly id: string
  readonly status: string
  readonly location?: string
  readonly status_details?: string
  readonly summary?: {
    readonly total: number
    readonly inserted: number
    readonly updated: number
    readonly failed: number
  }
  readonly [member: string]: unknown
}

interface RowErrors {
  readonly line: number
  readonly position: number
  readonly errors: readonly { readonly code: string }[]
}

async function whenOver(management: Management, id: string): Promise<Job> {
  for (;;) {
    const { status, body } = await management.call<Job>('GET', `/jobs/${id}`)
    assert.equal(status, 200)
    if (body.status === 'completed' || body.status === 'failed') return body
    await pause(10)
  }
}

const BOUNDARY = 'the-parts-of-a-form'
const formOf = (parts: Readonly<Record<string, string>>, file: string) =>
  [
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="users"; filename="users.json"\r\n\r\n${file}\r\n`,
    ...Object.entries(parts).map(
      ([name, value]) => `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
    ),
    `--${BOUNDARY}--\r\n`,
  ].join('')
const FORM = { headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` } }

/** Fetches what a job has written, as a browser would: without a token. */
const download = (management: Management, url: string): Promise<{ status: number; bytes: Buffer; type: string }> =>
  new Promise((resolve, reject) => {
    request(url, { ca: management.ca }, response => {
      const chunks: Buffer[] = []
      response.on('data', chunk => chunks.push(chunk))
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          bytes: Buffer.concat(chunks),
          type: String(response.headers['content-disposition']),
        }),
      )
    })
      .on('error', reject)
      .end()
  })

const aJob = (id: string, status: JobStatus): NewJob => ({
  tenant: 'default',
  id,
  type: 'users_import',
  status,
  connection: null,
  asked: {},
  askedBy: {},
  size: 0,
  failure: null,
  createdAt: Date.now(),
  keptUntil: Date.now() + 1000,
})

async function start(options: ManagementOptions = {}) {
  const management = await startManagement(options)
  const { store } = management.server.latchkey
  const connection = await store.connections.findByName('default', 'Username-Password-Authentication')
  assert.ok(connection)
  const importing = async (users: unknown, more: Readonly<Record<string, string>> = {}) => {
    const file = typeof users === 'string' ? users : JSON.stringify(users)
    const form = formOf({ connection_id: connection.id, ...more }, file)
    return management.call<Job>('POST', '/jobs/users-imports', form, FORM)
  }
  const imported = async (users: unknown, more: Readonly<Record<string, string>> = {}) => {
    const { status, body } = await importing(users, more)
    assert.equal(status, 202, JSON.stringify(body))
    return whenOver(management, body.id)
  }
  const errorsOf = async (id: string) => (await management.call('GET', `/jobs/${id}/errors`)).body
  const userOf = async (email: string) => store.users.findByEmailKey('default', connection.id, email)
  const exported = async (asked: object) => {
    const { status, body } = await management.call<Job>('POST', '/jobs/users-exports', asked)
    assert.equal(status, 200)
    const { location } = await whenOver(management, body.id)
    assert.ok(location)
    const { bytes } = await download(management, location)
    return gunzipSync(bytes).toString()
  }
  return { management, store, connection, importing, imported, errorsOf, userOf, exported }
}

onEachStore('an import', store => {
  let stage: Awaited<ReturnType<typeof start>>
  before(async () => {
    stage = await start({ store })
  })
  after(() => stage?.management.close())

  test('by Auth0’s own library writes everybody with what they are, and says what it did', async () => {
    const { management, connection, userOf } = stage
    const users = [
      {
        email: 'Ann@Example.com',
        email_verified: true,
        user_id: 'ann',
        given_name: 'Ann',
        password_hash: BCRYPT,
        app_metadata: { plan: 'gold' },
        user_metadata: { theme: 'dark' },
        blocked: true,
      },
      { email: 'ben@example.com' },
    ]
    const created = await management.client.jobs.usersImports.create({
      users: new File([JSON.stringify(users)], 'users.json'),
      connection_id: connection.id,
      external_id: 'the first',
    })
    assert.deepEqual(
      [created.type, created.connection_id, created.external_id, /^job_/.test(created.id)],
      ['users_import', connection.id, 'the first', true],
    )
    await whenOver(management, created.id)
    const job = await management.client.jobs.get(created.id)
    assert.deepEqual(job.summary, { total: 2, inserted: 2, updated: 0, failed: 0 })
    assert.deepEqual([job.status, job.percentage_done, job.time_left_seconds], ['completed', 100, 0])
    assert.equal((await management.call('GET', `/jobs/${created.id}/errors`)).status, 204)

    const ann = await userOf('ann@example.com')
    assert.ok(ann)
    assert.deepEqual(
      [ann.id, ann.email, ann.emailVerified, ann.blocked, ann.appMetadata, ann.userMetadata, ann.profile['given_name']],
      ['auth0|ann', 'Ann@Example.com', true, true, { plan: 'gold' }, { theme: 'dark' }, 'Ann'],
    )
    const [password] = await stage.store.credentials.of('default', ann.id, 'password')
    assert.equal(password?.secret, BCRYPT)
    const ben = await userOf('ben@example.com')
    assert.deepEqual([ben?.emailVerified, ben?.profile['name']], [false, 'ben@example.com'])
    assert.deepEqual(await stage.store.credentials.ofUser('default', ben?.id ?? ''), [])
  })

  test('tells of each row what is wrong with it and where it stands, and writes the others', async () => {
    const { imported, errorsOf, userOf } = stage
    const lines = [
      `{"email":"first@example.com","password_hash":"${BCRYPT}"}`,
      '{"email":"no-address"}',
      '{"given_name":"Nobody"}',
      '{"email":"half@example.com"',
      '[]',
      '{"email":"twice@example.com","email":"twice@example.com"}',
      '{"email":"first@example.com"}',
      '{"email":"mfa@example.com","mfa_factors":[{"totp":{"secret":"OTPSECRET"}}]}',
      '{"email":"clear@example.com","password":"a password in the clear"}',
      '{"email":"md4@example.com","password_hash":"{MD4}AAAA"}',
      '{"email":"odd@example.com","__proto__":{"blocked":true},"constructor":1}',
      `{"email":"large@example.com","user_metadata":{"x":"${'x'.repeat(20_000)}"}}`,
      `{"email":"huge@example.com","user_metadata":{"x":"${'x'.repeat(70_000)}"}}`,
      `{"email":"deep@example.com","user_metadata":${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}}`,
      '{"email":"flag@example.com","email_verified":"yes"}',
      '{"email":"id@example.com","user_id":"google|1"}',
      '{"email":"nul@example.com","user_metadata":{"a":"\\u0000\\ud800"}}',
      '{"email":"last@example.com"}',
    ]
    const job = await imported(lines.join('\n'))
    assert.equal(job.status, 'completed')
    assert.deepEqual(job.summary, { total: 18, inserted: 3, updated: 0, failed: 15 })
    const errors = await errorsOf(job.id)
    const told = errors.map(({ line, position, errors: [first] }: RowErrors) => [line, position, first?.code])
    assert.deepEqual(told, [
      [2, 2, 'INVALID_FORMAT'],
      [3, 3, 'OBJECT_MISSING_REQUIRED_PROPERTY'],
      [4, 4, 'INVALID_JSON'],
      [5, 5, 'INVALID_JSON'],
      [6, 6, 'INVALID_JSON'],
      [7, 7, 'DUPLICATED_USER'],
      [8, 8, 'UNSUPPORTED'],
      [9, 9, 'UNSUPPORTED'],
      [10, 10, 'INVALID_FORMAT'],
      [11, 11, 'OBJECT_ADDITIONAL_PROPERTIES'],
      [12, 12, 'INVALID_FORMAT'],
      [13, 13, 'TOO_LARGE'],
      [14, 14, 'TOO_LARGE'],
      [15, 15, 'INVALID_FORMAT'],
      [16, 16, 'INVALID_FORMAT'],
    ])
    assert.deepEqual(errors[0], {
      user: { email: 'no-address' },
      errors: [{ code: 'INVALID_FORMAT', message: '"no-address" is not an e-mail address.', path: 'email' }],
      line: 2,
      position: 2,
    })
    assert.doesNotMatch(JSON.stringify(errors), /OTPSECRET|a password in the clear|MD4\}A/)
    for (const there of ['first@example.com', 'nul@example.com', 'last@example.com']) assert.ok(await userOf(there))
    assert.equal(await userOf('odd@example.com'), undefined)
  })

  test('leaves who is there alone, or changes them where it was asked to, and never a password they have', async () => {
    const { imported, errorsOf, userOf } = stage
    await imported([{ email: 'cat@example.com', user_id: 'cat', password_hash: BCRYPT, user_metadata: { a: 1 } }])
    const again = [
      {
        email: 'cat@example.com',
        given_name: 'Cat',
        user_metadata: { a: 2 },
        password_hash: `${BCRYPT.slice(0, -1)}D`,
      },
    ]
    const refused = await imported(again)
    assert.deepEqual([refused.summary?.failed, (await errorsOf(refused.id))[0].errors[0].code], [1, 'DUPLICATED_USER'])
    assert.deepEqual((await userOf('cat@example.com'))?.userMetadata, { a: 1 })

    const changed = await imported([...again, { email: 'dog@example.com' }], { upsert: 'true' })
    assert.deepEqual(changed.summary, { total: 2, inserted: 1, updated: 1, failed: 0 })
    const cat = await userOf('cat@example.com')
    assert.deepEqual([cat?.id, cat?.userMetadata, cat?.profile['given_name']], ['auth0|cat', { a: 2 }, 'Cat'])
    const [password] = await stage.store.credentials.of('default', 'auth0|cat', 'password')
    assert.equal(password?.secret, BCRYPT)
    // Another's address, and another's id.
    const mixed = await imported(
      [
        { user_id: 'cat', email: 'dog@example.com' },
        { user_id: 'cat', email: 'cat2@example.com' },
      ],
      { upsert: 'true' },
    )
    assert.deepEqual(mixed.summary, { total: 2, inserted: 0, updated: 1, failed: 1 })
    assert.equal((await userOf('cat2@example.com'))?.id, 'auth0|cat')
  })

  test('with usernames takes them where the connection has some, and asks them of who is new', async () => {
    const { management, imported, errorsOf, userOf, store } = stage
    const { id } = await management.client.connections.create({
      name: 'Named',
      strategy: 'auth0',
      options: { requires_username: true },
    })
    assert.ok(id)
    const there = { connection_id: id }
    const users = [
      { email: 'hen@example.com', username: ' Hen_1 ' },
      { email: 'ibex@example.com', username: 'hen_1' },
      { email: 'jay@example.com' },
      { email: 'kid@example.com', username: 'kid@example.com' },
      { email: 'lynx@example.com', username: 'a name that is far too long' },
    ]
    const job = await imported(users, there)
    assert.deepEqual(job.summary, { total: 5, inserted: 1, updated: 0, failed: 4 })
    const told = (await errorsOf(job.id)).map(({ line, errors: [first] }: RowErrors) => [line, first?.code])
    assert.deepEqual(told, [
      [1, 'DUPLICATED_USER'],
      [1, 'OBJECT_MISSING_REQUIRED_PROPERTY'],
      [1, 'INVALID_FORMAT'],
      [1, 'INVALID_FORMAT'],
    ])
    const hen = await store.users.findByUsernameKey('default', id, 'hen_1')
    assert.deepEqual([hen?.email, hen?.username], ['hen@example.com', 'Hen_1'])
    // Of who is there already a row may leave it out, or say another.
    const again = [{ email: 'hen@example.com', given_name: 'Hen' }, { email: 'moa@example.com' }]
    const changed = await imported(again, { ...there, upsert: 'true' })
    assert.deepEqual(changed.summary, { total: 2, inserted: 0, updated: 1, failed: 1 })
    assert.equal((await errorsOf(changed.id))[0].errors[0].message, 'username is missing.')
    await imported([{ email: 'hen@example.com', username: 'hen_2' }], { ...there, upsert: 'true' })
    assert.equal((await store.users.findByUsernameKey('default', id, 'hen_2'))?.id, hen?.id)
    assert.equal(await store.users.findByUsernameKey('default', id, 'hen_1'), undefined)
    const without = await imported([{ email: 'nit@example.com', username: 'nit' }])
    assert.match((await errorsOf(without.id))[0].errors[0].message, /without requires_username/)
    assert.equal(await userOf('nit@example.com'), undefined)
  })

  test('blocks whom the file blocks, and lets nobody in again who was blocked here since it was written', async () => {
    const { imported, userOf } = stage
    await imported([{ email: 'elk@example.com', blocked: true }, { email: 'fox@example.com' }])
    const file = [
      { email: 'elk@example.com', blocked: false, given_name: 'Elk' },
      { email: 'fox@example.com', blocked: true },
    ]
    assert.equal((await imported(file, { upsert: 'true' })).summary?.updated, 2)
    const elk = await userOf('elk@example.com')
    assert.deepEqual([elk?.blocked, elk?.profile['given_name']], [true, 'Elk'])
    const fox = await userOf('fox@example.com')
    assert.equal(fox?.blocked, true)
    const events = await stage.store.events.search('default', { user: fox.id }, { order: 'newest-first', limit: 1 })
    assert.deepEqual(
      events.map(({ type, actor, personal }) => [type, actor.id, personal['changes']]),
      [['user.changed', 'management-root', { blocked: { after: true } }]],
    )
  })

  test('changes who is there by the scope that changes people, and not by that which creates them', async () => {
    const { management, connection, imported, userOf } = stage
    await imported([{ email: 'owl@example.com' }])
    const token = await management.tokenWith('create:users')
    const asked = (upsert: string) =>
      management.call<Job>(
        'POST',
        '/jobs/users-imports',
        formOf({ connection_id: connection.id, upsert }, '[{"email":"owl@example.com","blocked":true}]'),
        { ...FORM, token },
      )
    const refused = await asked('true')
    assert.deepEqual([refused.status, /update:users/.test(JSON.stringify(refused.body))], [403, true])
    const { status, body } = await asked('false')
    assert.equal(status, 202)
    assert.equal((await whenOver(management, body.id)).summary?.failed, 1)
    assert.equal((await userOf('owl@example.com'))?.blocked, false)
  })

  test('confirms an address for its owner, and not for who made an account with it and a password before', async () => {
    const { imported, userOf, store } = stage
    const MALLORYS = `${BCRYPT.slice(0, -1)}M`
    const email = 'gnu@example.com'
    await imported([{ email, password_hash: MALLORYS }])
    const before = await userOf(email)
    const row = { email, password_hash: BCRYPT }
    const secretNow = async () => (await store.credentials.of('default', before?.id ?? '', 'password'))[0]?.secret
    await imported([row], { upsert: 'true' })
    assert.equal(await secretNow(), MALLORYS)
    await imported([{ ...row, email_verified: true }], { upsert: 'true' })
    assert.equal(await secretNow(), BCRYPT)
    const after = await userOf(email)
    assert.deepEqual([after?.emailVerified, after?.epoch], [true, (before?.epoch ?? 0) + 1])
    // From then on it is theirs, and no file's.
    await imported([{ ...row, email_verified: true, password_hash: MALLORYS }], { upsert: 'true' })
    assert.equal(await secretNow(), BCRYPT)
  })

  test('of a file that ends in the middle has failed, with what it did', async () => {
    const { imported, errorsOf, userOf } = stage
    const job = await imported('[{"email":"eve@example.com"},\n{"email":"mal')
    assert.deepEqual([job.status, job.summary?.inserted], ['failed', 1])
    assert.match(job.status_details ?? '', /ends in the middle of a user on line 2/)
    assert.ok(await userOf('eve@example.com'))
    assert.equal((await errorsOf(job.id)).status_details, job.status_details)
  })

  test('and its end are in the log, with who asked', async () => {
    const { imported, store: opened } = stage
    const { id } = await imported([{ email: 'fay@example.com' }])
    const events = await opened.events.list('default', { limit: 1000 })
    const own = events.filter(({ target }) => target?.kind === 'job' && target.id === id)
    assert.deepEqual(own.map(({ type }) => type).sort(), ['users-import.begun', 'users-import.ended'])
    const ended = own.find(({ type }) => type === 'users-import.ended')
    assert.deepEqual(ended?.details, { outcome: 'completed', failure: null, inserted: 1, updated: 0, failed: 0 })
    for (const event of own)
      assert.deepEqual([event.actor.id, event.personal['address']], ['management-root', '127.0.0.1'])
  })
})

describe('an export', () => {
  let stage: Awaited<ReturnType<typeof start>>
  before(async () => {
    stage = await start({})
    await stage.imported([
      {
        email: 'ann@example.com',
        user_id: 'a1',
        email_verified: true,
        password_hash: BCRYPT,
        name: '=HYPERLINK("http://evil.example")',
        phone_number: '+49 89 1234',
        user_metadata: { plan: 'gold', 'with.dot': 'yes' },
        app_metadata: { seats: [1, 2] },
      },
      { email: 'ben@example.com', user_id: 'a2', name: 'Ben, "the" Second', given_name: '@SUM(1)' },
    ])
  })
  after(() => stage?.management.close())

  test('by Auth0’s own library is lines of JSON, without anything that is secret', async () => {
    const { management, connection } = stage
    const created = await management.client.jobs.usersExports.create({ connection_id: connection.id, format: 'json' })
    assert.deepEqual([created.type, created.format, created.connection_id], ['users_export', 'json', connection.id])
    const { location } = await whenOver(management, created.id)
    assert.ok(location)
    const { bytes, type } = await download(management, location)
    assert.equal(type, `attachment; filename="${created.id}.json.gz"`)
    const text = gunzipSync(bytes).toString()
    const users = text
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
    const ann = users.find(({ email }) => email === 'ann@example.com')
    assert.deepEqual([ann.user_id, ann.user_metadata.plan], ['auth0|a1', 'gold'])
    assert.equal(ann.identities[0].connection, 'Username-Password-Authentication')
    assert.doesNotMatch(text.replaceAll('Username-Password-Authentication', ''), /\$2b\$|password/i)
  })

  test('has the fields that are asked for, under the names that are asked for, and no more people', async () => {
    const { connection, exported } = stage
    const fields = [
      { name: 'email' },
      { name: 'user_metadata.plan', export_as: 'plan' },
      { name: 'identities[0].connection', export_as: 'from' },
      { name: 'user_metadata.with.dot' },
      { name: 'constructor' },
    ]
    const text = await exported({ connection_id: connection.id, fields, limit: 2 })
    const lines = text
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
    assert.equal(lines.length, 2)
    assert.deepEqual(
      lines.find(({ email }) => email === 'ann@example.com'),
      {
        email: 'ann@example.com',
        plan: 'gold',
        from: 'Username-Password-Authentication',
        'user_metadata.with.dot': null,
        constructor: null,
      },
    )
  })

  test('as a table is quoted, and nothing in it is a formula', async () => {
    const fields = ['email', 'name', 'given_name', 'phone_number', 'app_metadata.seats'].map(name => ({ name }))
    const text = await stage.exported({ format: 'csv', fields })
    const lines = text.split('\r\n')
    assert.equal(lines[0], 'email,name,given_name,phone_number,app_metadata.seats')
    assert.ok(lines.includes(`ann@example.com,"'=HYPERLINK(""http://evil.example"")",,+49 89 1234,"[1,2]"`), text)
    assert.ok(lines.includes(`ben@example.com,"Ben, ""the"" Second",'@SUM(1),,`), text)
    const [heading] = (await stage.exported({ format: 'csv' })).split('\r\n')
    assert.match(heading ?? '', /^user_id,email,email_verified,.*,connection,/)
  })

  test('of nobody is a file too', async () => {
    const other = await stage.store.transaction(transaction => {
      const connection = { ...stage.connection, id: 'con_empty', name: 'Empty' }
      return transaction.connections.create(connection).then(() => connection)
    })
    assert.equal(await stage.exported({ connection_id: other.id }), '')
    assert.equal(
      await stage.exported({ connection_id: other.id, format: 'csv', fields: [{ name: 'email' }] }),
      'email\r\n',
    )
  })

  test('is fetched once by each address that is given for it, and by no other', async () => {
    const { management, store } = stage
    const { body } = await management.call<Job>('POST', '/jobs/users-exports', {})
    const { location = '' } = await whenOver(management, body.id)
    assert.equal((await download(management, location.replace(/.$/, '_'))).status, 404)
    const answers = await Promise.all([download(management, location), download(management, location)])
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 404])
    const next = (await management.call<Job>('GET', `/jobs/${body.id}`)).body.location
    assert.notEqual(next, location)
    assert.equal((await download(management, next ?? '')).status, 200)
    // Who begins other jobs sees how this one goes, and none of the people in it.
    const token = await management.tokenWith('create:users', 'update:users')
    const seen = await management.call<Job>('GET', `/jobs/${body.id}`, undefined, { token })
    assert.deepEqual([seen.status, seen.body.status, seen.body.location], [200, 'completed', undefined])
    const events = await store.events.list('default', { limit: 1000 })
    const own = events.filter(({ target }) => target?.id === body.id).map(({ type }) => type)
    assert.deepEqual(own.sort(), [
      'users-export.begun',
      'users-export.downloaded',
      'users-export.downloaded',
      'users-export.ended',
    ])
  })

  test('of more people than a page comes whole, with each once', async () => {
    const { imported, exported } = stage
    const many = Array.from({ length: 450 }, (_, index) => ({ email: `many${index}@example.com` }))
    assert.equal((await imported(many)).summary?.inserted, 450)
    const emails = (await exported({ fields: [{ name: 'email' }] })).trimEnd().split('\n')
    assert.equal(new Set(emails).size, emails.length)
    for (const { email } of many) assert.ok(emails.includes(JSON.stringify({ email })), email)
    assert.equal((await exported({ limit: 321 })).trimEnd().split('\n').length, 321)
  })

  test('asked for wrongly is refused in a sentence', async () => {
    const { management } = stage
    for (const [body, message] of [
      [{ format: 'xml' }, /format/],
      [{ limit: 0 }, /limit/],
      [{ fields: [] }, /fields/],
      [{ fields: [{ name: 'email', secret: true }] }, /secret/],
      [{ connection_id: 'con_none' }, /no connection/],
    ] as const) {
      const answer = await management.call('POST', '/jobs/users-exports', body)
      assert.equal(answer.status, 400)
      assert.match(answer.body.message, message)
    }
  })
})

describe('what is asked of jobs', () => {
  let stage: Awaited<ReturnType<typeof start>>
  before(async () => {
    stage = await start({ environment: { LATCHKEY_LARGEST_IMPORT: '1' } })
  })
  after(() => stage?.management.close())

  test('is refused in a sentence where it is no import, and nothing is left of it', async () => {
    const { management, connection, importing, store } = stage
    const refused = async (form: string, status: number, message: RegExp, options = FORM) => {
      const answer = await management.call('POST', '/jobs/users-imports', form, options)
      assert.equal(answer.status, status, JSON.stringify(answer.body))
      assert.match(answer.body.message, message)
    }
    const con = { connection_id: connection.id }
    await refused(formOf(con, ''), 400, /users is empty/)
    await refused(formOf(con, 'PK\u0003\u0004 an archive'), 400, /an archive is neither/)
    await refused(formOf({}, '[]'), 400, /connection_id is missing/)
    await refused(formOf({ connection_id: 'con_none' }, '[]'), 400, /database of passwords/)
    await refused(formOf({ ...con, upsert: 'yes' }, '[]'), 400, /upsert must be true or false/)
    await refused(formOf({ ...con, role: 'admin' }, '[]'), 400, /no others/)
    await refused(formOf(con, '[]').slice(0, -20), 400, /ends before/)
    await refused('{}', 415, /multipart/, { headers: { 'content-type': 'application/json' } })
    await refused(formOf(con, `[${' '.repeat(1024 * 1024)}]`), 413, /1048576 bytes/)
    assert.equal((await management.call('POST', '/jobs/users-exports', formOf(con, '[]'), FORM)).status, 415)
    assert.equal(await store.jobs.createWithin(1, aJob(`job_${randomUUID()}`, 'completed')), 'created')
    // What is of nobody is no fault.
    const { body } = await importing('[]')
    assert.deepEqual((await whenOver(management, body.id)).summary, { total: 0, inserted: 0, updated: 0, failed: 0 })
  })

  test('is given up where the disk fills meanwhile, and leaves the rest of it to everybody else', async t => {
    const rooms = [2 ** 40, 2 ** 40, 0]
    const { management, importing, store } = await start({ findRoom: async () => rooms.shift() ?? 0 })
    t.after(() => management.close())
    const many = Array.from({ length: 12_000 }, (_, index) => ({ email: `many${index}@example.com` }))
    const { status, body } = await importing(many)
    assert.deepEqual([status, body['errorCode']], [413, 'insufficient_storage'])
    assert.equal(await store.jobs.createWithin(1, aJob(`job_${randomUUID()}`, 'completed')), 'created')
  })

  test('takes the scope before a byte of the file is read', async () => {
    const { management, connection } = stage
    const token = await management.tokenWith('read:users')
    const form = formOf({ connection_id: connection.id }, '[]')
    const { status, body } = await management.call('POST', '/jobs/users-imports', form, { ...FORM, token })
    assert.deepEqual([status, body.errorCode], [403, 'insufficient_scope'])
    // A gigabyte that never comes is not waited for.
    const answer = await new Promise<number>((resolve, reject) => {
      const url = new URL('api/v2/jobs/users-imports', management.server.issuer)
      const headers = { ...FORM.headers, authorization: `Bearer ${token}`, 'content-length': String(2 ** 30) }
      const sent = request(url, { method: 'POST', ca: management.ca, headers }, response => {
        resolve(response.statusCode ?? 0)
        sent.destroy()
      })
      sent.on('error', reject)
      sent.write(form.slice(0, 50))
    })
    assert.equal(answer, 403)
  })

  test('of another tenant is not there, and neither is what another tenant exported', async () => {
    const { management, imported, store } = stage
    const { id } = await imported([{ email: 'here@example.com' }, { email: 'wrong' }])
    const [job] = [await store.jobs.find('default', id)]
    assert.ok(job)
    await store.jobs.create({ ...job, tenant: 'another', id: 'job_theirs', status: 'completed' })
    for (const path of ['/jobs/job_theirs', '/jobs/job_theirs/errors', '/jobs/job_none']) {
      const { status, body } = await management.call('GET', path)
      assert.deepEqual([status, body.errorCode], [404, 'inexistent_job'])
    }
  })

  test('is not more than ten at once', async () => {
    const { management, importing, store } = stage
    const open = Array.from({ length: 10 }, (_, index) => `job_open${index}`)
    for (const id of open) await store.jobs.create(aJob(id, 'receiving'))
    const { status, body, headers } = await management.call('POST', '/jobs/users-exports', {})
    assert.deepEqual([status, body.errorCode, headers['retry-after']], [429, 'too_many_jobs', '10'])
    assert.equal((await importing('[]')).status, 429)
    // Nobody is told of one that is still being sent.
    assert.equal((await management.call('GET', '/jobs/job_open0')).status, 404)
    for (const id of open) await store.jobs.remove('default', id)
  })

  test('is a mail too, which asks a user whether the address is theirs', async () => {
    const { management, imported, store, userOf } = stage
    await imported([{ email: 'mail@example.com' }])
    const user = await userOf('mail@example.com')
    assert.ok(user)
    const waiting = await store.mails.count()
    const created = await management.client.jobs.verificationEmail.create({ user_id: user.id })
    assert.deepEqual([created.type, created.status], ['verification_email', 'completed'])
    assert.equal((await management.client.jobs.get(created.id)).status, 'completed')
    assert.ok((await store.mails.count()) > waiting || (await sentTo(store, user.id)))
    const again = await management.client.jobs.verificationEmail.create({ user_id: user.id })
    const failed = await management.client.jobs.get(again.id)
    assert.deepEqual(
      [failed.status, failed.status_details],
      ['failed', 'Too many of these went to that address within the hour.'],
    )
    for (const [body, status] of [
      [{ user_id: 'auth0|nobody' }, 404],
      [{ user_id: user.id, client_id: 'nobody' }, 400],
      [{ user_id: user.id, organization_id: 'org_none' }, 400],
      [{ user_id: user.id, identity: { user_id: 'x', provider: 'auth0' } }, 400],
      [{}, 400],
    ] as const)
      assert.equal((await management.call('POST', '/jobs/verification-email', body)).status, status)
  })
})

const sentTo = async (store: Awaited<ReturnType<typeof start>>['store'], user: string): Promise<boolean> =>
  (await store.events.list('default', { limit: 1000 })).some(
    ({ type, target }) => type === 'mail.sent' && target?.id === user,
  )
