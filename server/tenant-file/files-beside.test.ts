import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createFindings } from '../config/findings.ts'
import type { JsonObject } from '../kernel/json.ts'
import { takeIn } from './files-beside.ts'

describe('what a tenant file names beside itself', () => {
  let outside: string
  let folder: string
  before(() => {
    outside = mkdtempSync(join(tmpdir(), 'latchkey-beside-'))
    folder = join(outside, 'export')
    for (const name of ['', 'emailTemplates', 'connections', 'databases']) mkdirSync(join(folder, name))
    writeFileSync(join(outside, 'secret.html'), 'a secret of somebody else')
    writeFileSync(join(folder, 'emailTemplates', 'verify_email.html'), '<p>Hello</p>')
    writeFileSync(join(folder, 'connections', 'email.html'), '<p>Code</p>')
    writeFileSync(join(folder, 'databases', 'login.js'), 'function login() {}')
    writeFileSync(join(folder, 'bytes.html'), Buffer.from([0xff, 0xfe, 0x00]))
    writeFileSync(join(folder, 'large.html'), Buffer.alloc(1024 * 1024 + 1, 'x'))
    symlinkSync(join(outside, 'secret.html'), join(folder, 'link.html'))
  })
  after(() => rmSync(outside, { recursive: true }))

  const take = (document: JsonObject) => {
    const findings = createFindings('tenant.yaml', () => 1, 'Nothing was done.')
    return {
      document: takeIn(document, folder, findings),
      faults: findings.found().faults.map(([sentence]) => sentence),
    }
  }
  const ofMail = (body: string) => take({ emailTemplates: [{ template: 'verify_email', body }] })

  test('is taken in from where its kind of thing lies', () => {
    const { document, faults } = take({
      emailTemplates: [{ template: 'verify_email', body: './emailTemplates/verify_email.html' }],
      connections: [{ name: 'email', options: { email: { body: './email.html' } } }],
      databases: [{ name: 'users', options: { customScripts: { login: './databases/login.js' } } }],
      clients: [{ name: 'films.html', callbacks: ['https://films.example/index.html'] }],
    })
    assert.deepEqual(faults, [])
    assert.deepEqual(document, {
      emailTemplates: [{ template: 'verify_email', body: '<p>Hello</p>' }],
      connections: [{ name: 'email', options: { email: { body: '<p>Code</p>' } } }],
      databases: [{ name: 'users', options: { customScripts: { login: 'function login() {}' } } }],
      clients: [{ name: 'films.html', callbacks: ['https://films.example/index.html'] }],
    })
  })

  test('stays as it is where it is written out', () => {
    for (const body of ['<p>See index.html</p>', 'Hello\nindex.html', '{{ url }}.html', 'Hello', '']) {
      const { document, faults } = ofMail(body)
      assert.deepEqual([document, faults], [{ emailTemplates: [{ template: 'verify_email', body }] }, []])
    }
  })

  test('is read from nowhere else, neither by its name nor by a link', () => {
    for (const name of ['../secret.html', './emailTemplates/../../secret.html', 'link.html', '..\\secret.html']) {
      const { document, faults } = ofMail(name)
      assert.doesNotMatch(JSON.stringify(document), /a secret/)
      assert.match(faults.join(), /not in the folder of the tenant file/)
    }
    const { document, faults } = ofMail(join(outside, 'secret.html'))
    assert.doesNotMatch(JSON.stringify(document), /a secret/)
    assert.equal(faults.length, 1)
  })

  test('is a fault where it is missing, too large or no text', () => {
    assert.deepEqual(ofMail('missing.html').faults, ['tenant.yaml:1: The file missing.html cannot be read: ENOENT.'])
    assert.match(ofMail('large.html').faults.join(), /larger than 1 MiB/)
    assert.match(ofMail('bytes.html').faults.join(), /not UTF-8/)
  })
})
