import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type SealContext, SealError } from '../kernel/sealer.ts'
import { randomKey } from '../kernel/secrets.ts'
import { createSealer, masterKeyIdOf } from './sealer.ts'
import { masterKeys } from './wrapping/master-keys.ts'

const OLD = { id: 'old', bytes: randomKey() }
const NEW = { id: 'new', bytes: randomKey() }
const CONTEXT: SealContext = { purpose: 'ticket', tenant: 'a', record: 'bc' }

const sealerOf = (...list: { id: string; bytes: Buffer }[]) => createSealer(masterKeys(list))

const refused = (reason: SealError['reason']) => (error: unknown) =>
  error instanceof SealError && error.reason === reason

describe('sealing', () => {
  const sealer = sealerOf(OLD)

  test('gives back what was sealed, bytes and text alike', () => {
    for (const plaintext of ['', 'a word', '한국어 🔑', 'x'.repeat(100_000)])
      assert.equal(sealer.open(CONTEXT, sealer.seal(CONTEXT, plaintext)).toString(), plaintext)
    const bytes = Buffer.from([0, 255, 128])
    assert.deepEqual(sealer.open(CONTEXT, sealer.seal(CONTEXT, bytes)), bytes)
  })

  test('writes its version, master key and purpose in front, and never the same value twice', () => {
    const [one, other] = [sealer.seal(CONTEXT, 'same'), sealer.seal(CONTEXT, 'same')]
    assert.match(one, /^1\.old\.ticket\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]+$/)
    assert.notEqual(one, other)
    assert.equal(masterKeyIdOf(one), 'old')
  })

  test('a value moved to another row, tenant or purpose does not open', () => {
    const sealed = sealer.seal(CONTEXT, 'secret')
    for (const moved of [
      { ...CONTEXT, record: 'bd' },
      { ...CONTEXT, tenant: 'b' },
      { ...CONTEXT, purpose: 'token-signing' },
      // What a plain joining of the parts could not tell apart.
      { ...CONTEXT, tenant: 'ab', record: 'c' },
      { ...CONTEXT, tenant: '', record: 'abc' },
      { ...CONTEXT, tenant: 'a","bc', record: '' },
    ])
      assert.throws(() => sealer.open(moved, sealed), refused('does-not-open'))
  })

  test('a value relabelled for another purpose does not open there', () => {
    const relabelled = sealer.seal(CONTEXT, 'secret').replace('.ticket.', '.token-signing.')
    assert.throws(() => sealer.open({ ...CONTEXT, purpose: 'token-signing' }, relabelled), refused('does-not-open'))
  })

  test('one changed bit anywhere is seen', () => {
    const sealed = sealer.seal(CONTEXT, 'secret')
    const parts = sealed.split('.')
    for (const part of [3, 4]) {
      const bytes = Buffer.from(parts[part] ?? '', 'base64url')
      for (let index = 0; index < bytes.length; index++) {
        const changed = Buffer.from(bytes)
        changed.writeUInt8(changed.readUInt8(index) ^ 1, index)
        const forged = parts.with(part, changed.toString('base64url')).join('.')
        assert.throws(() => sealer.open(CONTEXT, forged), refused('does-not-open'))
      }
    }
  })

  test('what is not a sealed value is refused before any key is touched, and is not repeated', () => {
    const [version, id, purpose, nonce, body] = sealer.seal(CONTEXT, 'secret').split('.')
    for (const malformed of [
      '',
      'secret',
      '1.old.ticket..',
      `2.${id}.${purpose}.${nonce}.${body}`,
      `${version}.${id}.${purpose}.${nonce}.${body}.`,
      `${version}.${id}.${purpose}.${nonce}A.${body}`,
      `${version}.${id}.${purpose}.${nonce}.${body}=`,
      `${version}.${id}.${purpose}.${nonce}.${body?.slice(0, 8)}`,
    ])
      assert.throws(
        () => sealer.open(CONTEXT, malformed),
        (error: Error) => refused('malformed')(error) && !error.message.includes('secret'),
      )
  })

  test('a purpose that would read as two parts is a mistake of ours', () => {
    assert.throws(() => sealer.seal({ ...CONTEXT, purpose: 'a.b' }, ''), TypeError)
  })
})

describe('several master keys', () => {
  test('the first seals and all open', () => {
    const before = sealerOf(OLD).seal(CONTEXT, 'secret')
    const sealer = sealerOf(NEW, OLD)
    assert.equal(sealer.open(CONTEXT, before).toString(), 'secret')
    assert.equal(masterKeyIdOf(sealer.seal(CONTEXT, 'secret')), 'new')
  })

  test('a value under a key that is not listed says which one it wants', () => {
    assert.throws(
      () => sealerOf(NEW).open(CONTEXT, sealerOf(OLD).seal(CONTEXT, 'secret')),
      (error: Error) => refused('unknown-master-key')(error) && error.message.includes('old'),
    )
  })

  test('another key under the same id opens nothing', () => {
    const sealed = sealerOf(OLD).seal(CONTEXT, 'secret')
    assert.throws(() => sealerOf({ id: 'old', bytes: randomKey() }).open(CONTEXT, sealed), refused('does-not-open'))
  })
})
