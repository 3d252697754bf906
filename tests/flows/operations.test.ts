/** What an operator does by command beside a running server, and without one: each is a process of its own. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { after, afterEach, before, describe, test } from 'node:test'
import { stringify } from 'yaml'
import { processorTimeOf } from '../../bench/processes.ts'
import { compose } from '../../server/compose.ts'
import { loadSettings } from '../../server/config/load.ts'
import { silentLog } from '../../server/kernel/log.ts'
import { SECOND } from '../../server/kernel/seconds.ts'
import { randomSecret } from '../../server/kernel/secrets.ts'
import type { Store } from '../../server/store/store.ts'
import { createPerson } from '../fixtures/person.ts'
import { type Ended, type Environment, end, MAIN, run, type ServingProcess, serve } from '../fixtures/process.ts'
import { ADMIN, newEnvironment, onEachStore } from '../fixtures/server.ts'
import { applicationAt, postToken, signIn, userinfoStatus } from './stage.ts'
import { REDIRECT_URI } from './tenant.ts'

const PASSWORD = 'seven quiet magpies on a wire'
const SPA = { clients: [{ client_id: 'spa', name: 'Player', app_type: 'spa', callbacks: [REDIRECT_URI] }] }

const refuses = ({ code, out, err }: Ended, sentence: RegExp) => {
  assert.match(err, sentence)
  assert.doesNotMatch(err, /^ {4}at /m)
  assert.deepEqual([code, out], [1, ''])
}
const succeeds = ({ code, out, err }: Ended): string => {
  assert.equal(code, 0, err)
  return out
}
const parsed = <T>(ended: Ended): T => JSON.parse(succeeds(ended)) as T

interface Key {
  readonly id: string
  readonly state: string
  readonly algorithm: string
}

onEachStore('A command', store => {
  let given: Awaited<ReturnType<typeof newEnvironment>>
  let environment: Environment
  let server: ServingProcess | undefined
  const folder = (...path: string[]) => join(environment['LATCHKEY_DATA'] ?? '', ...path)
  const issuer = () => environment['LATCHKEY_ISSUER'] ?? ''
  const latchkey = (line: string, options?: Parameters<typeof run>[2]) => run(line.split(' '), environment, options)

  /** What stands in the database, read when no server has it. */
  async function withStore<T>(read: (store: Store) => Promise<T>): Promise<T> {
    const opened = await compose(loadSettings(environment), silentLog, { isServer: false })
    try {
      return await read(opened.store)
    } finally {
      await opened.close()
    }
  }
  /** Discovery, as the host asks for it. */
  const discover = (host: string) =>
    new Promise<{ status: number | undefined; issuer: unknown }>((resolve, reject) => {
      const asked = request(new URL('/.well-known/openid-configuration', issuer()), { headers: { host } })
      asked.on('error', reject).on('response', async response => {
        const body = response.statusCode === 200 ? ((await json(response)) as { issuer: string }) : undefined
        response.resume()
        resolve({ status: response.statusCode, issuer: body?.issuer })
      })
      asked.end()
    })
  const kids = async (): Promise<string[]> => {
    const response = await fetch(new URL('.well-known/jwks.json', issuer()))
    return ((await response.json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid)
  }

  before(async () => {
    given = await newEnvironment(store, {}, { isMigrated: true })
    environment = given.environment
  })
  after(() => given?.discard())

  describe('beside a running server', () => {
    before(async () => {
      server = await serve(environment)
    })
    after(() => end(server?.child, 'SIGTERM'))

    test('reaches it through a socket that is its owner’s alone', () =>
      assert.equal((statSync(folder('control.sock')).mode & 0o777).toString(8), '600'))

    test('makes a tenant that answers on its host from that moment on', async () => {
      assert.equal((await discover('films.example.com')).status, 421)
      const made = parsed<{ id: string }>(
        await run(
          ['tenants', 'create', 'Films & Co.', '--issuer', 'https://films.example.com/', '--json'],
          environment,
        ),
      )
      assert.deepEqual(made, { id: 'films-co', name: 'Films & Co.', issuers: ['https://films.example.com/'] })
      assert.deepEqual(await discover('films.example.com'), { status: 200, issuer: 'https://films.example.com/' })
      assert.deepEqual(await discover(new URL(issuer()).host), { status: 200, issuer: issuer() })

      succeeds(await latchkey('tenants add-host films-co --issuer http://films.example.org:8080/'))
      assert.deepEqual(await discover('films.example.org:8080'), {
        status: 200,
        issuer: 'http://films.example.org:8080/',
      })
      assert.deepEqual(parsed(await latchkey('tenants list --json')), [
        { id: 'default', name: 'Latchkey', issuers: [issuer()] },
        { ...made, issuers: ['https://films.example.com/', 'http://films.example.org:8080/'] },
      ])
      assert.match(
        succeeds(await latchkey('tenants list')),
        /^films-co +Films & Co\. +https:\/\/films\.example\.com\/ /m,
      )
    })

    test('gives each tenant an id of its own, whatever its name is written in', async () => {
      const create = async (name: string, host: string) =>
        parsed<{ id: string }>(
          await run(['tenants', 'create', name, '--issuer', `https://${host}/`, '--json'], environment),
        ).id
      assert.equal(await create('Café Zoë', 'zoe.example'), 'cafe-zoe')
      assert.equal(await create('cafe zoe!', 'zoe2.example'), 'cafe-zoe-2')
      // An id is never what another tenant is called: of these, the second would be the first one's name.
      const long = 'l'.repeat(40)
      assert.equal(await create(`${long}-2`, 'long.example'), long)
      assert.equal(await create(long.toUpperCase(), 'long2.example'), `${long}-3`)
      assert.match(await create('한국어', 'han.example'), /^tenant_[\w-]{24}$/)
    })

    test('refuses a tenant whose name or host is another’s, or that is none, and makes nothing of it', async () => {
      const before = succeeds(await latchkey('tenants list --json'))
      const create = (name: string, url: string) => run(['tenants', 'create', name, '--issuer', url], environment)
      refuses(await create('Latchkey', 'https://else.example/'), /^There is a tenant "Latchkey" already\.\n$/)
      refuses(await create('Else', issuer()), /^The host localhost:\d+ belongs to the tenant default\./)
      refuses(await create('Else', 'https://else.example'), /^--issuer must be written "https:\/\/else\.example\/"/)
      refuses(await create('Else', 'https://else.example/path/'), /^--issuer must be a bare origin/)
      refuses(await create('Else', 'else.example'), /^--issuer must be an http or https URL/)
      refuses(await create('default', 'https://else.example/'), /^"default" is the id of another tenant\./)
      refuses(await create('films-co', 'https://else.example/'), /^"films-co" is the id of another tenant\./)
      refuses(await create(' ', 'https://else.example/'), /^A tenant's name is 1 to 100 characters/)
      refuses(await create('a\u0007', 'https://else.example/'), /^A tenant's name is/)
      refuses(await latchkey('tenants add-host else --issuer https://e.example/'), /^There is no tenant "else"/)
      assert.equal(succeeds(await latchkey('tenants list --json')), before)
    })

    test('makes an account that can sign in, with the password that was piped in', async () => {
      writeFileSync(folder('spa.yaml'), stringify(SPA))
      succeeds(await latchkey(`apply ${folder('spa.yaml')}`))
      const made = parsed<{ id: string; email: string }>(
        await run(
          [
            'users',
            'create',
            '--email',
            'Jo@Example.com',
            '--name',
            'Jo March',
            '--verified',
            '--password-stdin',
            '--json',
          ],
          environment,
          { input: `${PASSWORD}\n` },
        ),
      )
      assert.deepEqual(Object.keys(made).sort(), ['email', 'id', 'tenant'])
      const { tokens } = await signIn(await applicationAt(issuer(), 'spa'), createPerson(issuer()), {
        email: 'jo@example.com',
        password: PASSWORD,
      })
      const { sub, name, email_verified } = tokens.claims() ?? assert.fail()
      assert.deepEqual([sub, name, email_verified], [made.id, 'Jo March', true])
    })

    // What is settled before the store is asked, or after, is the same on both.
    if (store === 'sqlite') {
      test('tells a password that it made once: to the script that asked, or in a file of its owner’s', async () => {
        const spa = await applicationAt(issuer(), 'spa')
        const { password } = parsed<{ password: string }>(await latchkey('users create --email kim@example.com --json'))
        await signIn(spa, createPerson(issuer()), { email: 'kim@example.com', password })

        const told = succeeds(await latchkey('users create --email lee@example.com'))
        const [file = ''] = /\/\S+told-once\/\S+\.txt/.exec(told) ?? assert.fail(told)
        assert.equal((statSync(file).mode & 0o777).toString(8), '600')
        const [, inFile = ''] = /the password of lee@example\.com is (\S+)/i.exec(readFileSync(file, 'utf8')) ?? []
        await signIn(spa, createPerson(issuer()), { email: 'lee@example.com', password: inFile })

        const log = server?.written.join('\n') ?? ''
        for (const secret of [password, inFile, PASSWORD]) assert.ok(secret !== '' && !log.includes(secret))
        assert.ok(!told.includes(inFile))
      })

      test('makes nothing whose secret it could not tell', async () => {
        const inTheWay = folder('told-once')
        rmSync(inTheWay, { recursive: true, force: true })
        writeFileSync(inTheWay, 'a letter')
        const secretive = { clients: [{ client_id: 'untold', name: 'Untold', app_type: 'regular_web' }] }
        writeFileSync(folder('untold.yaml'), stringify(secretive))
        const unwritable = /told-once, for secrets .+ cannot be written to \(EEXIST\)/
        refuses(await latchkey('users create --email lost@example.com'), unwritable)
        refuses(await latchkey(`apply ${folder('untold.yaml')}`), unwritable)
        refuses(await latchkey('keys rotate --api https://ledger.example/api'), unwritable)
        // Where a script reads the secret, no file is needed.
        parsed(await latchkey('users create --email lost@example.com --json'))
        const { changes } = parsed<{ changes: unknown[] }>(await latchkey(`apply ${folder('untold.yaml')} --json`))
        assert.equal(changes.length, 1)
        rmSync(inTheWay)
      })

      test('refuses a secret that is not text, instead of reading another one into it', async () => {
        const noText = /^What --password-stdin was given is not text in UTF-8\./
        const line = 'users create --email bytes@example.com --password-stdin'
        refuses(await latchkey(line, { input: Buffer.from([...'long enough'].map(() => 0xff)) }), noText)
        refuses(
          await latchkey('keys rotate --api https://ledger.example/api --secret-stdin', {
            input: Buffer.alloc(32, 0xfe),
          }),
          /^What --secret-stdin was given is not text in UTF-8\./,
        )
        refuses(await latchkey('users create --email j\ufffd@example.com --json'), /is not an e-mail address/)
      })

      test('refuses an account that cannot be, and makes nothing of it', async () => {
        const create = (line: string, input = PASSWORD) => latchkey(`users create --password-stdin ${line}`, { input })
        refuses(await create(`--email ${ADMIN.email.toUpperCase()}`), /^Somebody has an account with the address/)
        refuses(await create('--email nobody'), /^"nobody" is not an e-mail address\./)
        refuses(await create('--email short@example.com', 'short'), /^The password will not do: .*too short/)
        refuses(await create('--email short@example.com', ''), /^The password will not do: /)
        refuses(await create('--email r@example.com --role Editor'), /^The tenant default has no role "Editor"/)
        for (const name of ['x'.repeat(301), 'Ann\u001b[2J', 'Ann\nEve', '', ' '])
          refuses(
            await run(['users', 'create', '--email', 'n@example.com', '--name', name, '--json'], environment),
            /^A person's name is 1 to 300 characters/,
          )
        refuses(await create('--email t@example.com --tenant nowhere'), /^There is no tenant "nowhere"/)
        assert.match((await latchkey(`users create --email a@example.com ${PASSWORD}`)).err, /takes no argument/)
      })
    }

    test('applies a file from where the operator is, tells what has no effect, and the second time does nothing', async () => {
      const elsewhere = folder('elsewhere')
      mkdirSync(elsewhere)
      const file = { clients: [{ name: 'Reports', app_type: 'regular_web', adress: 1 }], rules: [1] }
      writeFileSync(join(elsewhere, 'tenant.yaml'), stringify(file))
      const apply = () => latchkey('apply tenant.yaml --tenant films-co', { cwd: elsewhere })
      const { code, out, err } = await apply()
      assert.equal(code, 0, err)
      assert.match(err, /^warning: tenant\.yaml:4: "adress" of a client has no effect\.\n/m)
      assert.match(err, /^warning: tenant\.yaml:5: "rules" has no effect: .* let in.*\n/m)
      const [, id = ''] = /^created client (\w+)$/m.exec(out) ?? assert.fail(out)
      assert.match(readFileSync(folder('told-once', `client-${id}-of-films-co.txt`), 'utf8'), /^The secret of Reports/)
      assert.match(succeeds(await apply()), /^Everything was as the file says\.\n$/)

      const again = parsed<{ changes: unknown[]; secrets: unknown[]; warnings: string[] }>(
        await latchkey('apply tenant.yaml --tenant films-co --json', { cwd: elsewhere }),
      )
      assert.deepEqual([again.changes, again.secrets, again.warnings.length], [[], [], 2])
    })

    test('plans a file before it is applied, and exports what there is as one that changes nothing', async () => {
      const file = folder('planned.yaml')
      writeFileSync(file, stringify({ clients: [{ client_id: 'planned', name: 'Planned', app_type: 'spa' }] }))
      const planned = await latchkey(`plan ${file} --tenant films-co --exit-code`)
      assert.equal(planned.code, 2, planned.err)
      assert.match(planned.out, /^\+ client Planned\n {4}\+ client_id: "planned"\n/m)
      assert.match(planned.out, /^1 created\. Nothing was changed\.$/m)
      succeeds(await latchkey(`apply ${file} --tenant films-co`))
      assert.match(succeeds(await latchkey(`plan ${file} --tenant films-co --exit-code`)), /^Everything is as the file/)

      const exported = folder('exported.yaml')
      assert.match(succeeds(await latchkey(`export ${exported} --tenant films-co`)), /no secrets and no people/)
      assert.equal(statSync(exported).mode & 0o777, 0o600)
      refuses(await latchkey(`export ${exported} --tenant films-co`), /is there already/)
      const { changes } = parsed<{ changes: unknown[] }>(await latchkey(`plan ${exported} --tenant films-co --json`))
      assert.deepEqual(changes, [])
      assert.match(succeeds(await latchkey('export --tenant films-co')), /^ {2}- client_id: planned$/m)

      const only = { client_id: 'planned', name: 'Planned by ##WHO##', app_type: 'spa' }
      writeFileSync(file, stringify({ clients: [only] }))
      writeFileSync(folder('words.json'), JSON.stringify({ WHO: 'Ann' }))
      const removing = `--tenant films-co --keywords ${folder('words.json')} --delete`
      const shown = succeeds(await latchkey(`plan ${file} ${removing}`))
      assert.match(shown, /^~ client Planned by Ann \(planned\)\n {4}~ name: "Planned" -> "Planned by Ann"$/m)
      assert.ok(!shown.includes('\u001b'), 'colours are for terminals')
      assert.match(shown, /^- client /m)
      succeeds(await latchkey(`apply ${file} ${removing}`))
      const left = parsed<{ clients: { client_id: string; name: string }[] }>(
        await latchkey('export --tenant films-co --json'),
      )
      assert.deepEqual(
        left.clients.map(({ client_id, name }) => [client_id, name]),
        [['planned', 'Planned by Ann']],
      )
    })

    // As above; and of the two stores this is the one that answers while nobody else can run.
    if (store === 'sqlite') {
      test('applies nothing of a file with a fault, and says its line and the reason', async () => {
        writeFileSync(folder('faulty.yaml'), 'roles: [{ name: Half }]\nclients:\n  - name: A\n    app_type: fridge\n')
        refuses(await latchkey(`apply ${folder('faulty.yaml')}`), /nothing was changed\.\nfaulty\.yaml:4: .*app_type/)
        refuses(await latchkey(`apply ${folder('missing.yaml')}`), /cannot be read: ENOENT/)
        const half = await latchkey('users create --email half@example.com --role Half --password-stdin', {
          input: PASSWORD,
        })
        refuses(half, /has no role "Half"/)
      })

      test('applies a file of thousands of clients while others are served, and tells the line of its one fault', async () => {
        const clients = Array.from({ length: 3000 }, (_, index) => ({
          client_id: `many-${index}`,
          name: `One of many, number ${index}`,
          callbacks: [`https://many-${index}.example.com/callback`],
        }))
        writeFileSync(folder('many.yaml'), stringify({ clients }))
        writeFileSync(folder('fault.yaml'), stringify({ clients: [...clients, { name: 'Last', app_type: 'fridge' }] }))
        const pid = server?.child.pid ?? 0
        // What the server works between two answers, which a machine with other things to do does not change.
        const now = () => (process.platform === 'linux' ? processorTimeOf(pid) : performance.now())
        let isOver = false
        const served = (async () => {
          let longest = 0
          while (!isOver) {
            const began = now()
            await (await fetch(new URL('healthz', issuer()))).text()
            longest = Math.max(longest, now() - began)
          }
          return longest
        })()
        try {
          refuses(await latchkey(`apply ${folder('fault.yaml')}`), /\nfault\.yaml:12003: app_type must be one of/)
          const { changes } = parsed<{ changes: unknown[] }>(await latchkey(`apply ${folder('many.yaml')} --json`))
          assert.equal(changes.length, clients.length)
        } finally {
          isOver = true
        }
        // It was more than half a second, and is a few slices.
        assert.ok((await served) < 200, `${await served} ms`)
      })
    }

    test('rotates a signing key: its successor is published at once and signs a day later', async () => {
      const [signing] = parsed<Key[]>(await latchkey('keys list --json'))
      assert.deepEqual([signing?.state, signing?.algorithm, await kids()], ['signing', 'RS256', [signing?.id]])
      const { takesOver, isNow } = parsed<{ takesOver: string; isNow: boolean }>(
        await latchkey('keys rotate --algorithm RS256 --json'),
      )
      const ahead = Date.parse(takesOver) - Date.now()
      assert.ok(!isNow && ahead > 23 * 3600 * SECOND && ahead < 25 * 3600 * SECOND, takesOver)
      assert.equal((await kids()).length, 2)
      assert.match(succeeds(await latchkey(`keys rotate ${signing?.id}`)), /is published and signs from 20/)
      assert.equal((await kids()).length, 2, 'the successor is there already')
    })

    test('revokes the key that signs: it is out of the key set and its tokens are refused at once', async () => {
      const spa = await applicationAt(issuer(), 'spa')
      const account = { email: 'jo@example.com', password: PASSWORD }
      const { tokens } = await signIn(spa, createPerson(issuer()), account)
      assert.equal(await userinfoStatus(issuer(), tokens.access_token), 200)
      const [signing] = parsed<Key[]>(await latchkey('keys list --json')).filter(({ state }) => state === 'signing')

      const id = signing?.id ?? ''
      assert.match(succeeds(await latchkey(`keys revoke ${id}`)), /is out of use, and whatever it signed/)
      assert.ok(!(await kids()).includes(id))
      assert.equal(await userinfoStatus(issuer(), tokens.access_token), 401)
      assert.match(succeeds(await latchkey(`keys revoke ${id}`)), /was out of use already/)
      const after = await signIn(await applicationAt(issuer(), 'spa'), createPerson(issuer()), account)
      assert.equal(await userinfoStatus(issuer(), after.tokens.access_token), 200)
      assert.ok(!succeeds(await latchkey('keys list')).includes(id))
      assert.match(succeeds(await latchkey('keys list --all')), new RegExp(`^${id} .+ retired `, 'm'))
    })

    test('rotates what refresh tokens are made with, and those of before are taken', async () => {
      const spa = await applicationAt(issuer(), 'spa')
      const account = { email: 'jo@example.com', password: PASSWORD }
      const { tokens } = await signIn(spa, createPerson(issuer()), account, { scope: 'openid offline_access' })
      assert.match(succeeds(await latchkey('keys rotate --purpose refresh-token')), /is in use from now on/)
      assert.ok((await spa.refresh(tokens.refresh_token ?? '')).refresh_token)
    })

    test('gives an API another secret, and takes the former one meanwhile', async () => {
      const machine = { client_id: 'machine', client_secret: 'a machine remembers every character of it' }
      const audience = 'https://ledger.example/api'
      const file = {
        clients: [{ ...machine, name: 'Importer', app_type: 'non_interactive' }],
        resourceServers: [
          { identifier: audience, name: 'Ledger', signing_alg: 'HS256', signing_secret: 'x'.repeat(40) },
          { identifier: 'https://plain.example/api', name: 'Plain' },
        ],
        clientGrants: [{ client_id: 'machine', audience, scope: [] }],
      }
      writeFileSync(folder('ledger.yaml'), stringify(file))
      succeeds(await latchkey(`apply ${folder('ledger.yaml')}`))
      const kidNow = async () => {
        const { body } = await postToken(issuer(), { grant_type: 'client_credentials', audience, ...machine })
        const [header = ''] = String(body['access_token']).split('.')
        return JSON.parse(Buffer.from(header, 'base64url').toString()).kid as string
      }
      const first = await kidNow()
      const rotate = (line = '') => latchkey(`keys rotate --api ${audience} --json${line}`)
      const { secret } = parsed<{ secret: string }>(await rotate())
      assert.ok(secret.length >= 32)
      const second = await kidNow()
      assert.notEqual(second, first)
      const states = parsed<Key[]>(await latchkey('keys list --json')).filter(({ algorithm }) => algorithm === 'HS256')
      assert.equal(states.find(({ id }) => id === first)?.state, 'accepted')
      assert.equal(states.find(({ id }) => id === second)?.state, 'current')

      const chosen = { input: 'y'.repeat(40) }
      assert.deepEqual(parsed(await latchkey(`keys rotate --api ${audience} --secret-stdin --json`, chosen)), {
        outcome: 'put',
      })
      assert.match(
        succeeds(await latchkey(`keys rotate --api ${audience} --secret-stdin`, chosen)),
        /has this secret already/,
      )
      refuses(
        await latchkey(`keys rotate --api ${audience} --secret-stdin`, { input: 'short' }),
        /^The secret for the API https:\/\/ledger\.example\/api is 5 bytes long; it needs at least 32/,
      )
      refuses(await latchkey(`keys rotate ${second}`), /is a secret that an API shares\. Use .+ --api/)
      refuses(await latchkey('keys rotate --api https://plain.example/api'), /shares no secret/)
      refuses(await latchkey('keys rotate --api https://nowhere.example/'), /has no API/)
      assert.ok(!(server?.written.join('\n') ?? secret).includes(secret))
    })

    test('ends what a person or an application has, and says so once', async () => {
      const of = parsed<{ id: string }>(await latchkey('users create --email ends@example.com --json'))
      assert.match(succeeds(await latchkey('users block Ends@Example.com')), /is blocked, and all that they had/)
      assert.deepEqual(parsed(await latchkey(`users block ${of.id} --json`)), { id: of.id, outcome: 'already' })
      assert.match(succeeds(await latchkey('users unblock ends@example.com')), /may sign in again/)
      assert.deepEqual(parsed(await latchkey(`users remove ${of.id} --json`)), { id: of.id, outcome: 'done' })
      refuses(await latchkey('users block ends@example.com'), /^The tenant default has no user "ends@example.com"/)
      refuses(await latchkey('clients revoke nobody'), /^The tenant default has no client "nobody"/)
    })

    test('makes an API key that is told once, lists it without, and revokes it by how it begins', async () => {
      const client_secret = randomSecret()
      const audience = 'https://keyed.example/api'
      const file = {
        resourceServers: [{ identifier: audience, name: 'Keyed', scopes: [{ value: 'read:all' }] }],
        clients: [{ client_id: 'keyed', client_secret, name: 'Keyed', app_type: 'non_interactive' }],
        clientGrants: [{ client_id: 'keyed', audience, scope: ['read:all'] }],
      }
      writeFileSync(folder('keyed.yaml'), stringify(file))
      succeeds(await latchkey(`apply ${folder('keyed.yaml')}`))
      const create = `api-keys create --client keyed --audience ${audience} --name import --scope read:all`
      const { id, key } = parsed<{ id: string; key: string }>(await latchkey(`${create} --days 7 --json`))
      const [, inFile = ''] =
        /\/\S+told-once\/\S+\.txt/
          .exec(succeeds(await latchkey(create)))
          ?.flatMap(path => [path, / is (lk_\w+)/.exec(readFileSync(path, 'utf8'))?.[1] ?? '']) ?? assert.fail()
      assert.notEqual(inFile, key)
      for (const made of [key, inFile]) assert.match(made, /^lk_[0-9a-f]{24}_[0-9a-f]{72}$/)

      const listed = succeeds(await latchkey('api-keys list --client keyed'))
      assert.equal(listed.split('\n').filter(line => /^lk_\w{24} +import +keyed .* live +never/.test(line)).length, 2)
      assert.ok(!listed.includes(key.slice(28)) && !listed.includes(inFile.slice(28)))
      assert.deepEqual(parsed(await latchkey(`api-keys revoke ${id} --json`)), { id, outcome: 'revoked' })
      assert.match(succeeds(await latchkey(`api-keys revoke ${id}`)), /was revoked already/)
      const ids = async (more = '') =>
        parsed<{ id: string }[]>(await latchkey(`api-keys list --json${more}`)).map(one => one.id)
      assert.deepEqual([(await ids()).includes(id), (await ids(' --all')).includes(id)], [false, true])
      refuses(await latchkey(`${create} --days soon`), /^--days is a whole number/)
      refuses(await latchkey(`api-keys revoke ${id} --tenant films-co`), /has no such API key/)
      assert.ok(![key, inFile].some(made => server?.written.join('\n').includes(made)))
    })

    // As above.
    if (store === 'sqlite') {
      test('refuses keys that are not there, are another tenant’s, or are named twice or not at all', async () => {
        const [signing] = parsed<Key[]>(await latchkey('keys list --json'))
        refuses(await latchkey('keys rotate --algorithm ES256'), /^The tenant default has no such key/)
        refuses(await latchkey('keys revoke nothing'), /^The tenant default has no key "nothing"/)
        refuses(await latchkey(`keys revoke ${signing?.id} --tenant films-co`), /^The tenant films-co has no key/)
        refuses(await latchkey('keys rotate'), /^Say which key/)
        refuses(await latchkey(`keys rotate ${signing?.id} --algorithm RS256`), /^Say which key/)
        refuses(await latchkey('keys rotate --algorithm RS256 --secret-stdin'), /--secret-stdin goes with --api/)
      })
    }

    test('moves what is sealed to another master key, with the server in between', async () => {
      const file = folder('master.key')
      const [old = ''] = /master_[\w-]+/.exec(readFileSync(file, 'utf8')) ?? []
      await end(server?.child, 'SIGTERM')
      writeFileSync(file, `next ${randomSecret()}\n${readFileSync(file, 'utf8')}`, { mode: 0o600 })
      server = await serve(environment)
      const said = succeeds(await latchkey('keys rewrap'))
      assert.match(
        said,
        new RegExp(`under the master key next\\.\n${old} .+ keep its line: once every server .+ again`),
      )
      assert.doesNotMatch(said, /may go/)
      const { masterKey, left, idle } = parsed<{ masterKey: string; left: unknown[]; idle: string[] }>(
        await latchkey('keys rewrap --json'),
      )
      assert.deepEqual([masterKey, left, idle], ['next', [], [old]])
      const again = succeeds(await latchkey('keys rewrap'))
      assert.match(again, new RegExp(`already\\.\n${old} .+ and every server has been restarted .+ its line may go`))
      assert.match(again, /if it is yet to be the first, it stays/)
      const before = await kids()
      await end(server.child, 'SIGTERM')
      writeFileSync(file, readFileSync(file, 'utf8').replace(/^master_.*\n/m, ''))
      server = await serve(environment)
      assert.deepEqual(await kids(), before)
      const account = { email: 'jo@example.com', password: PASSWORD }
      await signIn(await applicationAt(issuer(), 'spa'), createPerson(issuer()), account)
    })

    test('says that the database is up to date', async () =>
      assert.equal(succeeds(await latchkey('migrate')), 'The database is up to date.\n'))

    test('waits for another that is under way', async () => {
      const create = (index: number) => latchkey(`tenants create Many${index} --issuer https://many${index}.example/`)
      const all = await Promise.all([1, 2, 3, 4].map(create))
      for (const ended of all) succeeds(ended)
      const sameName = await Promise.all([5, 5, 5].map(create))
      assert.deepEqual(sameName.map(({ code }) => code).sort(), [0, 1, 1])
    })

    test('leaves word of itself: who did what to which tenant', async () => {
      await end(server?.child, 'SIGTERM')
      assert.equal(server?.child.exitCode, 0)
      assert.equal(existsSync(folder('control.sock')), false)
      const events = await withStore(async ({ events, users, connections, roles }) => {
        const [connection] = await connections.list('films-co')
        assert.equal(connection?.name, 'Username-Password-Authentication')
        const [jo = ''] = await users.findByAttribute('default', 'email', 'jo@example.com', 1)
        assert.deepEqual(await roles.of('default', jo, null), [])
        return {
          films: await events.list('films-co', { limit: 100 }),
          jo: (await events.list('default', { limit: 1000 })).filter(({ target }) => target?.id === jo),
        }
      })
      const told = events.films.map(({ type, actor, target }) => `${actor.kind} ${actor.id}: ${type} ${target?.id}`)
      for (const expected of ['operator command: tenant.created films-co', 'operator command: tenant.changed films-co'])
        assert.ok(told.includes(expected), told.join('\n'))
      assert.ok(told.some(one => /^operator tenant-file: client\.created /.test(one)))
      const created = events.jo.find(({ type }) => type === 'user.created')
      assert.deepEqual([created?.actor.kind, created?.actor.id], ['operator', 'command'])
    })
  })

  describe('without a server', () => {
    test('does the same by itself', async () => {
      succeeds(await latchkey('tenants create Alone --issuer https://alone.example/'))
      assert.match(succeeds(await latchkey('tenants list')), /^alone +Alone +https:\/\/alone\.example\/$/m)
      const made = await latchkey('users create --email jo@example.com --tenant Alone --password-stdin --json', {
        input: PASSWORD,
      })
      assert.equal(parsed<{ tenant: string }>(made).tenant, 'alone')
      writeFileSync(folder('alone.yaml'), stringify({ ...SPA, roles: [{ name: 'Editor' }], rules: [1] }))
      const { code, out, err } = await latchkey(`apply ${folder('alone.yaml')} --tenant alone`)
      assert.equal(code, 0, err)
      assert.match(err, /^warning: alone\.yaml:9: "rules" has no effect: .*\n$/)
      assert.match(out, /^created client spa$/m)
      const role = await latchkey('users create --email kim@example.com --tenant alone --role Editor --json')
      const { id } = parsed<{ id: string }>(role)
      const key = parsed<Key[]>(await latchkey('keys list --json')).find(({ state }) => state === 'signing')
      assert.match(succeeds(await latchkey(`keys rotate ${key?.id}`)), /is published and signs from/)
      assert.equal(succeeds(await latchkey('migrate')), 'The database is up to date.\n')
      await withStore(async ({ roles, clients }) => {
        assert.deepEqual(
          (await roles.of('alone', id, null)).map(({ name }) => name),
          ['Editor'],
        )
        assert.ok(await clients.find('alone', 'spa'))
      })
    })

    test('takes its turn where others do the same', async () => {
      const create = (index: number) => latchkey(`tenants create Turn${index} --issuer https://turn${index}.example/`)
      for (const ended of await Promise.all([1, 2, 3].map(create))) succeeds(ended)
    })

    test('leaves the default tenant where it answers, whatever LATCHKEY_ISSUER is not set to', async () => {
      const { LATCHKEY_ISSUER: _, LATCHKEY_PORT: __, ...rest } = environment
      const listed = parsed<{ id: string; issuers: string[] }[]>(await run(['tenants', 'list', '--json'], rest))
      assert.deepEqual(listed.find(({ id }) => id === 'default')?.issuers, [issuer()])
    })

    test('finds nobody behind the socket that a killed server left, and neither does the next server', async t => {
      const first = await serve(environment)
      await end(first.child, 'SIGKILL')
      assert.ok(existsSync(folder('control.sock')))
      succeeds(await latchkey('tenants list'))
      const next = await serve(environment)
      t.after(() => end(next.child, 'SIGKILL'))
      succeeds(await latchkey('tenants list'))
      assert.ok(
        next.written.some(line => line.includes('"tenants list"')),
        'the server was not asked',
      )
      await end(next.child, 'SIGTERM')
      assert.equal(existsSync(folder('control.sock')), false)
      assert.deepEqual(
        readdirSync(folder()).filter(name => name.startsWith('control')),
        [],
      )
    })
  })
})

describe('A command at a terminal', () => {
  let given: Awaited<ReturnType<typeof newEnvironment>>
  before(async () => {
    given = await newEnvironment('sqlite', {}, { isMigrated: true })
  })
  afterEach(() => rmSync(join(given.environment['LATCHKEY_DATA'] ?? '', 'told-once'), { recursive: true, force: true }))
  after(() => given?.discard())

  /** Types each answer when its question is there, and answers all that was to be seen. */
  async function converse(args: readonly string[], answers: readonly (readonly [question: string, typed: string])[]) {
    const line = [process.execPath, MAIN, ...args].map(word => `'${word}'`).join(' ')
    const script = process.platform === 'darwin' ? ['-q', '/dev/null', 'sh', '-c', line] : ['-qec', line, '/dev/null']
    const child = spawn('script', script, {
      env: { PATH: process.env['PATH'], SHELL: '/bin/sh', ...given.environment },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    let seen = ''
    const waiting = [...answers]
    child.stdout.setEncoding('utf8').on('data', text => {
      seen += text
      const [next] = waiting
      if (next && seen.includes(next[0])) {
        waiting.shift()
        child.stdin.write(next[1])
      }
    })
    const [code] = await once(child, 'close', { signal: AbortSignal.timeout(20 * SECOND) })
    return { code, seen }
  }
  const create = (email: string) => ['users', 'create', '--email', email]
  const AGAIN = 'The same again: '

  test('asks for a password twice, and shows nothing of it', async () => {
    const { code, seen } = await converse(create('jo@example.com'), [
      ['Password (empty: one is made): ', `${PASSWORD}\r`],
      [AGAIN, `${PASSWORD}\r`],
    ])
    assert.equal(code, 0, seen)
    assert.match(seen, /jo@example\.com is auth0\|/)
    for (const part of ['magpies', 'seven', '*']) assert.ok(!seen.includes(part), seen)
  })

  test('refuses two that differ, and makes one where none is typed', async () => {
    const different = await converse(create('kim@example.com'), [
      ['Password (', `${PASSWORD}\r`],
      [AGAIN, 'another\r'],
    ])
    assert.match(different.seen, /These were two different ones\./)
    assert.equal(different.code, 1)
    const made = await converse(create('kim@example.com'), [['Password (', '\r']])
    assert.equal(made.code, 0, made.seen)
    assert.match(made.seen, /The password of kim@example\.com is [\w-]{20} {2}\(this is told once\)/)
    assert.equal(existsSync(join(given.environment['LATCHKEY_DATA'] ?? '', 'told-once')), false)
  })

  test('is left by Ctrl-C, and does nothing', async () => {
    const left = await converse(create('lee@example.com'), [['Password (', '\u0003']])
    assert.equal(left.code, 1, left.seen)
    assert.match(left.seen, /Nothing was done\./)
  })
})
