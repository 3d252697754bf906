import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, describe, test } from 'node:test'
import { OperatorError } from '../kernel/errors.ts'
import { DAY } from '../kernel/seconds.ts'
import { ownCertificate } from './authority.ts'
import { covers } from './certificate.ts'

const NOW = Date.now()

describe('the private authority', () => {
  const top = mkdtempSync(join(tmpdir(), 'latchkey-authority-'))
  let folder = ''
  let folders = 0
  beforeEach(() => {
    folder = join(top, String(folders++))
    mkdirSync(folder)
  })
  after(() => rmSync(top, { recursive: true }))

  const fileMode = (name: string) => (statSync(join(folder, name)).mode & 0o777).toString(8)
  const ca = () => readFileSync(join(folder, 'ca.pem'), 'utf8')

  test('makes a certificate that OpenSSL verifies for every host, name or address', () => {
    const hosts = ['login.example.com', 'films.example:8443', '192.0.2.7:4000', '[2001:db8::7:1]:4000']
    const { cert, caFile } = ownCertificate(folder, hosts, NOW)
    const file = join(folder, 'leaf.pem')
    writeFileSync(file, cert)
    const verify = (...how: string[]) =>
      execFileSync('openssl', ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', caFile, ...how, file])
    for (const name of ['localhost', 'login.example.com', 'films.example']) verify('-verify_hostname', name)
    for (const address of ['127.0.0.1', '::1', '192.0.2.7', '2001:db8::7:1']) verify('-verify_ip', address)
    assert.throws(() => execFileSync('openssl', ['verify', file], { stdio: 'pipe' }), 'nobody else vouches for it')
    assert.equal(covers({ cert, key: '', expiresAt: 0 }, 'login.example.com'), true)
    assert.equal(covers({ cert, key: '', expiresAt: 0 }, 'other.example.com'), false)
  })

  test('keeps keys from everybody but their owner, whatever the umask, and leaves no drafts', () => {
    const umask = process.umask(0)
    ownCertificate(folder, [], NOW)
    process.umask(umask)
    assert.deepEqual(
      readdirSync(folder).map(name => [name, fileMode(name)]),
      [
        ['ca.key', '600'],
        ['ca.pem', '644'],
        ['server.key', '600'],
      ],
    )
    assert.doesNotMatch(ca(), /PRIVATE/)
  })

  test('keeps its certificate from start to start, and renews it a month before its end, or for other hosts', () => {
    const first = ownCertificate(folder, ['one.example'], NOW)
    assert.equal(first.wasMade, true)
    const trusted = ca()
    const again = ownCertificate(folder, ['one.example'], NOW + 59 * DAY)
    assert.deepEqual([again.wasMade, again.cert, again.key], [false, first.cert, first.key])
    for (const [hosts, at] of [
      [['one.example'], NOW + 61 * DAY],
      [['one.example', 'two.example'], NOW + 61 * DAY],
      [['two.example'], NOW + 61 * DAY],
    ] as const) {
      assert.equal(ownCertificate(folder, hosts, at).wasMade, true, `${hosts} ${at}`)
      assert.equal(ownCertificate(folder, hosts, at).wasMade, false, `${hosts} ${at}`)
    }
    assert.equal(ca(), trusted, 'whoever trusted it trusts it still')
  })

  test('is followed by another before it ends, by another name', () => {
    ownCertificate(folder, [], NOW)
    const former = new X509Certificate(ca())
    const later = NOW + 10 * 365 * DAY - 60 * DAY
    const { cert } = ownCertificate(folder, [], later)
    const current = new X509Certificate(ca())
    assert.notEqual(current.subject, former.subject)
    assert.equal(new X509Certificate(cert).verify(current.publicKey), true)
    assert.match(current.validTo, /20\d\d/)
  })

  test('makes anew what was damaged or is of another authority, but never its own key in silence', () => {
    ownCertificate(folder, [], NOW)
    for (const text of ['', 'nonsense', readFileSync(join(folder, 'ca.key'), 'utf8')]) {
      writeFileSync(join(folder, 'server.key'), text)
      assert.equal(ownCertificate(folder, [], NOW).wasMade, true)
    }
    writeFileSync(join(folder, 'ca.key'), 'nonsense')
    assert.throws(
      () => ownCertificate(folder, [], NOW),
      error => error instanceof OperatorError && error.message.includes(join(folder, 'ca.key')),
    )
    rmSync(join(folder, 'ca.key'))
    assert.equal(ownCertificate(folder, [], NOW).wasMade, true)
  })

  test('says how many names a certificate had no room for', () => {
    const hosts = Array.from({ length: 600 }, (_, number) => `tenant-${number}.example`)
    const { leftOut, cert } = ownCertificate(folder, hosts, NOW)
    assert.equal(leftOut, 103)
    assert.equal(new X509Certificate(cert).subjectAltName?.split(', ').length, 500)
  })

  test('names the folder that it cannot write to', () => {
    const missing = join(folder, 'missing')
    assert.throws(
      () => ownCertificate(missing, [], NOW),
      error => error instanceof OperatorError && error.message.includes(missing),
    )
    assert.equal(existsSync(missing), false)
  })
})
