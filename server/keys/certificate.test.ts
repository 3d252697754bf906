import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { describe, test } from 'node:test'
import { NOW } from '../../tests/fixtures/records.ts'
import { type PairAlgorithmName, SIGNING_ALGORITHMS } from './algorithms.ts'
import { certify, digestsOf, inPkcs7 } from './certificate.ts'

describe('the certificate of a signing key', () => {
  for (const algorithm of SIGNING_ALGORITHMS.values()) {
    if (algorithm.kind === 'secret') continue
    test(`of ${algorithm.name} is of that key, and signed by it`, async () => {
      const { publicKey, privateKey } = await algorithm.generate()
      const key = { kid: 'key_1', publicKey, createdAt: NOW }
      const pem = await certify(key, { kid: 'key_1', algorithm: algorithm.name, privateKey })
      const read = new X509Certificate(pem)
      assert.equal(read.subject, 'CN=key_1')
      assert.equal(read.issuer, 'CN=key_1')
      assert.equal(read.validFromDate.getTime(), NOW)
      assert.ok(read.publicKey.equals(publicKey))
      assert.ok(read.verify(publicKey))
      assert.match(digestsOf(pem).fingerprint, /^(?:[0-9A-F]{2}:){19}[0-9A-F]{2}$/)
      assert.match(digestsOf(pem).thumbprint, /^[0-9A-F]{40}$/)
    })
  }

  test('is signed by another key where its own is gone', async () => {
    const [one, other] = await Promise.all(
      (['ES256', 'RS256'] satisfies PairAlgorithmName[]).map(async name => {
        const algorithm = SIGNING_ALGORITHMS.get(name)
        assert.ok(algorithm?.kind === 'pair')
        return algorithm.generate()
      }),
    )
    assert.ok(one && other)
    const by = { kid: 'key_2', algorithm: 'RS256', privateKey: other.privateKey } as const
    const read = new X509Certificate(await certify({ kid: 'key_1', publicKey: one.publicKey, createdAt: NOW }, by))
    assert.deepEqual([read.subject, read.issuer], ['CN=key_1', 'CN=key_2'])
    assert.ok(read.verify(other.publicKey))
    assert.ok(!read.verify(one.publicKey))
  })

  test('is read by OpenSSL, in its own form and in PKCS #7', async () => {
    const algorithm = SIGNING_ALGORITHMS.get('RS256')
    assert.ok(algorithm?.kind === 'pair')
    const { publicKey, privateKey } = await algorithm.generate()
    const by = { kid: 'key_1', algorithm: 'RS256', privateKey } as const
    const pem = await certify({ kid: 'key_1', publicKey, createdAt: NOW }, by)
    const openssl = (input: string, ...rest: string[]) => execFileSync('openssl', rest, { input, encoding: 'utf8' })
    assert.match(openssl(inPkcs7(pem), 'pkcs7', '-print_certs', '-noout'), /CN ?= ?key_1/)
    const printed = openssl(inPkcs7(pem), 'pkcs7', '-print_certs')
    assert.equal(
      new X509Certificate(printed.slice(printed.indexOf('-----BEGIN'))).fingerprint,
      digestsOf(pem).fingerprint,
    )
  })
})
