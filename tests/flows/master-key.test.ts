/** A master key that is missing or wrong stops the start with a sentence, and touches nothing: put right, it all works. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { compose, type Latchkey } from '../../server/compose.ts'
import { loadSettings } from '../../server/config/load.ts'
import { OperatorError } from '../../server/kernel/errors.ts'
import { silentLog } from '../../server/kernel/log.ts'
import { randomSecret } from '../../server/kernel/secrets.ts'
import { dump } from '../fixtures/dump.ts'
import { applyTo, newEnvironment, onEachStore } from '../fixtures/server.ts'
import { TENANT_FILE } from './tenant.ts'

onEachStore('A database that was sealed', store => {
  let given: Awaited<ReturnType<typeof newEnvironment>>
  let file: string
  let content: string
  let untouched: string

  const open = (): Promise<Latchkey> => compose(loadSettings(given.environment), silentLog)

  before(async () => {
    given = await newEnvironment(store)
    const latchkey = await open()
    await applyTo(latchkey, TENANT_FILE)
    file = latchkey.settings.masterKeyFile
    await latchkey.close()
    content = readFileSync(file, 'utf8')
    untouched = await dump(given.environment)
  })
  after(() => given?.discard())

  const keyLine = () => content.split('\n').find(line => line.startsWith('master_')) ?? ''
  const id = () => keyLine().split(' ')[0] ?? ''
  const put = (text: string, mode = 0o600) => {
    rmSync(file, { recursive: true, force: true })
    writeFileSync(file, text)
    chmodSync(file, mode)
  }

  const putFolder = () => {
    rmSync(file)
    mkdirSync(file, { mode: 0o700 })
  }

  for (const [name, damage, says] of [
    ['is missing', () => rmSync(file), () => /is missing, and there is data already .* Put it back/],
    ['is empty', () => put(''), () => /holds no key/],
    ['is a folder', () => putFolder(), () => /is not a file/],
    ['can be read by others', () => put(content, 0o640), () => /mode 0640.*chmod 600/],
    [
      'has a line that was cut',
      () => put(content.trim().slice(0, -1)),
      () => /^Line \d+ of the master key file .* is not an id and/,
    ],
    [
      'holds another key',
      () => put(`other ${randomSecret()}\n`),
      () => new RegExp(`under the master key "${id()}", which the master key file .*does not list`),
    ],
    [
      'holds another key under the same name',
      () => put(`${id()} ${randomSecret()}\n`),
      () => new RegExp(`"${id()}", but the key of that id .* does not open it`),
    ],
  ] as const)
    test(`whose master key file ${name} is not opened, and not touched`, async () => {
      damage()
      // Another address than before: a start that goes through writes it.
      const settings = loadSettings({ ...given.environment, LATCHKEY_ISSUER: 'http://elsewhere.example/' })
      await assert.rejects(compose(settings, silentLog), (error: Error) => {
        assert.ok(error instanceof OperatorError, `${error.stack}`)
        assert.match(error.message, says())
        assert.ok(error.message.includes(file), `it says where: ${error.message}`)
        assert.ok(!error.message.includes(keyLine().split(' ')[1] ?? ''))
        return true
      })
      assert.equal(await dump(given.environment), untouched)

      put(content)
      const latchkey = await open()
      assert.equal((await latchkey.keyring.list('default')).length > 0, true)
      await latchkey.close()
    })
})
