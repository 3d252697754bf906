import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { makeCertificate, type PemPair } from '../../tests/fixtures/certificate.ts'
import { OperatorError } from '../kernel/errors.ts'
import { DAY } from '../kernel/seconds.ts'
import { readCertificate } from './certificate.ts'

describe('a certificate in files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-certificate-'))
  after(() => rmSync(folder, { recursive: true }))
  const now = Date.now()
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  const pair = makeCertificate()
  const read = ({ cert = pair.cert, key = pair.key }: Partial<PemPair>) => {
    writeFileSync(files.cert, cert)
    writeFileSync(files.key, key)
    return readCertificate(files, now)
  }
  const refuses = (work: () => unknown, sentence: RegExp) =>
    assert.throws(work, (error: unknown) => {
      assert.ok(error instanceof OperatorError, String(error))
      assert.match(error.message, sentence)
      assert.doesNotMatch(error.message, /MI[A-Za-z0-9+/]{20}/, 'nothing of what is in a file')
      return true
    })

  test('is taken whole, with those that follow the server’s own', () => {
    const chain = pair.cert + makeCertificate('an authority').cert
    const { cert, key, expiresAt } = read({ cert: chain })
    assert.deepEqual([cert, key], [chain, pair.key])
    assert.ok(Math.abs(expiresAt - now - DAY) < 60_000)
  })

  const weak = generateKeyPairSync('rsa', { modulusLength: 512 }).privateKey.export({ type: 'pkcs8', format: 'pem' })
  for (const [name, given, sentence] of [
    ['whose key is another’s', { key: makeCertificate().key }, /^The key in .+ is not the one of .+"CN=localhost"/],
    ['whose key is weak and another’s', { key: weak.toString() }, /is not the one of/],
    [
      'that expired',
      makeCertificate('x', { notBefore: now - 2 * DAY, notAfter: now - DAY }),
      /expired on \d{4}-\d\d-\d\d\. Renew/,
    ],
    [
      'that is not yet good',
      makeCertificate('x', { notBefore: now + DAY, notAfter: now + 2 * DAY }),
      /good from \d{4}-.+clock/,
    ],
    ['that is none', { cert: 'nonsense' }, /cert\.pem \(LATCHKEY_TLS_CERT\) holds no certificate in PEM/],
    ['that is a key', { cert: pair.key }, /cert\.pem \(LATCHKEY_TLS_CERT\) holds no certificate in PEM/],
    [
      'whose key is none',
      { key: `-----BEGIN PRIVATE KEY-----\n${'MIIB'.repeat(20)}\n` },
      /key\.pem \(LATCHKEY_TLS_KEY\) holds no private key/,
    ],
    ['whose key is a certificate', { key: pair.cert }, /key\.pem \(LATCHKEY_TLS_KEY\) holds no private key/],
    ['whose key has a passphrase', { key: '-----BEGIN ENCRYPTED PRIVATE KEY-----\n' }, /is encrypted.+openssl pkey/],
  ] as const)
    test(`${name} is refused in a sentence`, () => refuses(() => read(given), sentence))

  test('that is not there is named with its setting', () => {
    read({})
    for (const [name, setting] of [
      ['key', 'LATCHKEY_TLS_KEY'],
      ['cert', 'LATCHKEY_TLS_CERT'],
    ] as const) {
      rmSync(files[name])
      refuses(
        () => readCertificate(files, now),
        new RegExp(`^${setting} names a file that cannot be read: .+${name}\\.pem`),
      )
    }
  })
})
