import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { createDatabase } from '../../tests/fixtures/postgres.ts'
import { createMemoryBus } from '../bus/memory.ts'
import { OperatorError } from '../kernel/errors.ts'
import { createSealer } from '../keys/sealer.ts'
import { loadMasterKeys } from '../keys/wrapping/local.ts'
import { BACKED_UP, LEFT_BEHIND } from '../store/backed-up.ts'
import {
  apiKeyOf,
  authorizationOf,
  clientOf,
  eventOf,
  familyOf,
  identityOf,
  keyOf,
  NOW,
  revocationOf,
  sessionOf,
  ticketOf,
  userOf,
} from '../store/conformance/stage.ts'
import { sealContextOfKey } from '../store/keys.ts'
import { openPostgres } from '../store/postgres.ts'
import { type Place, readSnapshot } from '../store/snapshot.ts'
import { openSqlite } from '../store/sqlite.ts'
import type { Store } from '../store/store.ts'
import { restoreBackup, takeBackup } from './backup.ts'
import { writeBackup } from './file.ts'

const OPTIONS = { latchkey: '1.2.3', clock: () => NOW }
const TENANT = 'ten'

describe('a backup', () => {
  const top = mkdtempSync(join(tmpdir(), 'latchkey-backup-'))
  const masterKeyFile = join(top, 'master.key')
  const sealer = createSealer(loadMasterKeys(masterKeyFile, { create: true }))
  const databases: Awaited<ReturnType<typeof createDatabase>>[] = []
  let folder = ''
  let file = ''
  let folders = 0

  const open = (place: Place): Promise<Store> => {
    const options = { sealer, bus: createMemoryBus() }
    return 'file' in place
      ? openSqlite(place.file, { ...options, synchronous: 'normal' })
      : openPostgres(place.url, options)
  }
  const places: Record<string, () => Promise<Place>> = {
    SQLite: async () => ({ file: join(mkdtempSync(join(top, 'db-')), 'latchkey.db') }),
    PostgreSQL: async () => {
      const database = await createDatabase()
      databases.push(database)
      return { url: database.url }
    },
  }

  /** Something of every kind that a backup has to carry, and of those that it has to leave. */
  async function fill(store: Store): Promise<void> {
    const user = userOf(TENANT, { email: 'ada@example.com', profile: { name: 'Ada "\\\n\u2028 한글 😀' } })
    await store.tenants.create({ id: TENANT, name: 'Films', settings: {}, createdAt: NOW })
    await store.tenants.putHost({ host: 'films.example', tenant: TENANT, issuer: 'https://films.example/' })
    assert.equal(await store.users.create(user, identityOf(user)), 'created')
    const sealed = keyOf(TENANT)
    await store.keys.apply(
      TENANT,
      { add: [{ ...sealed, sealedPrivate: sealer.seal(sealContextOfKey(sealed), 'a private key') }], moves: [] },
      NOW,
    )
    await store.clients.create(clientOf(TENANT, { sealedSecret: null }))
    await store.sessions.begin(sessionOf(TENANT, { id: 'session' }), { from: null, secretHash: 'hash' })
    await store.authorizations.create(authorizationOf(TENANT, { session: 'session' }))
    await store.families.create(familyOf(TENANT))
    await store.apiKeys.create(apiKeyOf(TENANT))
    await store.tickets.issue(ticketOf(TENANT))
    await store.events.record(Array.from({ length: 1200 }, () => eventOf(TENANT)))
    await store.transaction(async ({ revocations }) => revocations.append(revocationOf(TENANT)))
  }

  const filled: Record<string, Place> = {}
  before(async () => {
    for (const [name, make] of Object.entries(places)) {
      const place = await make()
      filled[name] = place
      const store = await open(place)
      await fill(store)
      await store.close()
    }
  })
  beforeEach(() => {
    folder = join(top, `backup-${folders++}`)
    mkdirSync(folder)
    file = join(folder, 'backup')
  })
  after(async () => {
    for (const database of databases) await database.drop()
    rmSync(top, { recursive: true })
  })

  /** Every row that a backup holds, table by table, in one order on both databases. */
  const rowsOf = (place: Place): Promise<Record<string, string[]>> =>
    readSnapshot(place, async snapshot => {
      const tables: Record<string, string[]> = {}
      for (const table of BACKED_UP) {
        const rows: string[] = []
        for await (const page of snapshot.pagesOf(table))
          rows.push(
            ...page.map(row => JSON.stringify(Object.entries(row).sort(([one], [other]) => (one < other ? -1 : 1)))),
          )
        tables[table] = rows.sort()
      }
      return tables
    })
  const take = (place: Place | undefined) => takeBackup(place as Place, file, OPTIONS)
  const restore = (place: Place, keepSignIns = true, keys = masterKeyFile) =>
    restoreBackup(place, file, { masterKeyFile: keys, keepSignIns })
  const refuses = (work: Promise<unknown>, sentence: RegExp) =>
    assert.rejects(work, (error: unknown) => {
      assert.ok(error instanceof OperatorError, String((error as Error).stack))
      assert.match(error.message, sentence)
      return true
    })

  for (const [from, to] of [
    ['SQLite', 'PostgreSQL'],
    ['PostgreSQL', 'SQLite'],
    ['PostgreSQL', 'PostgreSQL'],
  ] as const)
    test(`of ${from} is the same again on ${to}, every row of it, but for the number of the last revocation`, async () => {
      const taken = await take(filled[from])
      const place = (await places[to]?.()) as Place
      const restored = await restore(place)
      const [before, after] = [await rowsOf(filled[from] as Place), await rowsOf(place)]
      assert.equal(restored.rows, taken.rows)
      assert.equal(Object.values(after).flat().length, taken.rows)
      for (const table of BACKED_UP)
        if (table !== 'revocation_head') assert.deepEqual(after[table], before[table], table)
      const store = await open(place)
      assert.ok(
        (await store.revocations.head()) > 1_000_000,
        'whoever follows the log is never behind what it has seen',
      )
      assert.equal((await store.tickets.peek(TENANT, 'code', 'ticket', NOW)) ?? null, null, 'no code comes back')
      await store.close()
    })

  test('is its owner’s alone, is never written over another, and leaves nothing where it could not be written', async () => {
    const { masterKeys, rows } = await take(filled['SQLite'])
    assert.equal((statSync(file).mode & 0o777).toString(8), '600')
    assert.ok(rows > 1200)
    assert.deepEqual(masterKeys, [/^(master_\S+) /m.exec(readFileSync(masterKeyFile, 'utf8'))?.[1]])
    const text = gunzipSync(readFileSync(file)).toString()
    for (const key of readFileSync(masterKeyFile, 'utf8').match(/\S{43}$/gm) ?? assert.fail('there is no key'))
      assert.ok(!text.includes(key), 'the master key is in it')
    for (const table of LEFT_BEHIND) assert.ok(!text.includes(`"table":"${table}"`), table)

    const whole = readFileSync(file)
    await refuses(take(filled['SQLite']), /is there already/)
    assert.deepEqual(readFileSync(file), whole)
    file = join(folder, 'missing', 'backup')
    await refuses(take(filled['SQLite']), /cannot be written to .+ENOENT/)
    assert.deepEqual(readdirSync(folder), ['backup'])
  })

  test('is of one instant, whatever is written meanwhile', async () => {
    for (const place of Object.values(filled)) {
      const store = await open(place)
      const counted = await readSnapshot(place, async snapshot => {
        const count = async (table: 'events' | 'users') => {
          let rows = 0
          for await (const page of snapshot.pagesOf(table)) rows += page.length
          return rows
        }
        const before = await count('users')
        const late = userOf(TENANT, { id: `late-${Math.random()}`, email: null })
        await store.users.create(late, identityOf(late))
        await store.events.record([eventOf(TENANT)])
        return [before, await count('users'), (await count('events')) % 1200]
      })
      assert.deepEqual(counted, [1, 1, 0])
      await store.close()
    }
  })

  test('brings no sign-in back unless it is told to: epochs are past all that was given', async () => {
    await take(filled['PostgreSQL'])
    const live = async (keepSignIns: boolean) => {
      const place = (await places['SQLite']?.()) as Place
      await restore(place, keepSignIns)
      const store = await open(place)
      const [sessions, families] = [
        await store.sessions.liveOf(TENANT, 'auth0|ada', NOW),
        await store.families.liveOf(TENANT, 'auth0|ada', NOW),
      ]
      const { key, clientEpoch, user } = (await store.apiKeys.standing(TENANT, 'lk_1')) ?? assert.fail('no API key')
      const isKeyOver = key.clientEpoch !== clientEpoch && key.person?.epoch !== user?.epoch
      await store.close()
      return [sessions.length, families.length, isKeyOver ? 0 : 1]
    }
    assert.deepEqual(await live(false), [0, 0, 0])
    assert.deepEqual(await live(true), [1, 1, 1])
  })

  test('is not restored into a database that holds anything, which stays as it is', async () => {
    await take(filled['SQLite'])
    for (const place of Object.values(filled)) {
      const before = await rowsOf(place)
      await refuses(restore(place), /is not empty.+nothing was changed/)
      assert.deepEqual(await rowsOf(place), before)
    }
  })

  test('is not restored without the master key it needs, which is named, nor with another of that id', async () => {
    const { masterKeys } = await take(filled['SQLite'])
    const keys = join(folder, 'master.key')
    loadMasterKeys(keys, { create: true })
    const place = (await places['SQLite']?.()) as { file: string }
    await refuses(restore(place, true, keys), new RegExp(`"${masterKeys[0]}", which .+ does not list`))
    await refuses(restore(place, true, join(folder, 'none')), /none is missing/)
    writeFileSync(keys, `${masterKeys[0]} ${Buffer.alloc(32, 7).toString('base64url')}\n`, { mode: 0o600 })
    await refuses(restore(place, true, keys), /does not open the backup/)
    assert.equal(existsSync(place.file), false, 'nothing was begun')
  })

  describe('that is not as it was written', () => {
    let lines: string[] = []
    let place: { file: string }
    const rewrite = (change: (lines: string[]) => string[]) =>
      writeFileSync(file, gzipSync(`${change([...lines]).join('\n')}\n`))
    beforeEach(async () => {
      await take(filled['SQLite'])
      lines = gunzipSync(readFileSync(file)).toString().trimEnd().split('\n')
      place = (await places['SQLite']?.()) as { file: string }
    })

    for (const [what, change] of [
      ['a letter was changed', all => all.map(line => line.replace('Films', 'Firms'))],
      ['a line is missing', all => all.toSpliced(5, 1)],
      ['a line is there twice', all => all.toSpliced(5, 0, all[5] ?? '')],
      ['its end is missing', all => all.slice(0, -1)],
      ['something follows its end', all => [...all, '["x"]']],
      ['it ends in the middle of a line', all => [...all.slice(0, 9), '["x', ...all.slice(9)]],
    ] as [string, (lines: string[]) => string[]][])
      test(`is refused where ${what}, and nothing is written`, async () => {
        rewrite(change)
        await refuses(restore(place), /is damaged or not whole/)
        assert.equal(existsSync(place.file), false)
      })

    test('is refused where its bytes end early, or one of them is another', async () => {
      const bytes = readFileSync(file)
      writeFileSync(file, bytes.subarray(0, -20))
      await refuses(restore(place), /is damaged or not whole/)
      const other = Buffer.from(bytes)
      other.writeUInt8((other[bytes.length >> 1] ?? 0) ^ 1, bytes.length >> 1)
      writeFileSync(file, other)
      await refuses(restore(place), /is damaged or not whole/)
    })

    test('is refused as no backup, or as one of a newer version, with what to do', async () => {
      writeFileSync(file, 'a letter')
      await refuses(restore(place), /is damaged or not whole/)
      rewrite(all => all.map(line => line.replace('"table":"hosts"', '"table":"ghosts"')))
      await refuses(restore(place), /"ghosts", which this version does not know/)
      rewrite(() => ['{"format":"another"}'])
      await refuses(restore(place), /is not a backup of Latchkey/)
      rewrite(all => all.with(0, (all[0] ?? '').replace('"version":1', '"version":2')))
      await refuses(restore(place), /made by a newer Latchkey \(1\.2\.3\)/)
      file = join(folder, 'missing')
      await refuses(restore(place), /cannot be read: ENOENT/)
    })

    test('is refused where a newer version has migrated further, and leaves an empty database', async () => {
      await takeOfLaterVersion()
      await refuses(restore(place), /newer Latchkey, or by one.+9999-later/)
      file = join(folder, 'good')
      await take(filled['SQLite'])
      await restore(place)
    })

    /** One whose digest is right. */
    async function takeOfLaterVersion(): Promise<void> {
      const heading = JSON.parse(lines[0] ?? '') as { migrations: string[] }
      rmSync(file)
      const later = {
        latchkey: '9.9.9',
        madeAt: '2030-01-01T00:00:00.000Z',
        migrations: [...heading.migrations, '9999-later'],
      }
      await writeBackup(file, later, async () => ({ masterKeys: [] }))
    }
  })

  test('of a version before is brought up to date', async () => {
    await take(filled['SQLite'])
    const place = (await places['PostgreSQL']?.()) as Place
    const old = join(folder, 'old')
    await writeBackup(
      old,
      { latchkey: '0.0.1', madeAt: '2020-01-01T00:00:00.000Z', migrations: ['0001-ground'] },
      async writer => {
        await writer.put('tenants', [{ id: TENANT, name: 'Films', settings: '{}', created_at: 1 }])
        await writer.put('revocation_head', [{ id: 1, number: 7 }])
        return { masterKeys: [] }
      },
    )
    file = old
    await restore(place)
    const store = await open(place)
    assert.equal((await store.tenants.find(TENANT))?.name, 'Films')
    assert.equal(await store.mails.nextDue(), undefined, 'a table of a later version')
    await store.close()
  })
})
