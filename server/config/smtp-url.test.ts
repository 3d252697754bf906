import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { OperatorError } from '../kernel/errors.ts'
import { noReplyAt, readSender, readSmtpUrl } from './smtp-url.ts'

const read = (raw: string) => readSmtpUrl('LATCHKEY_SMTP_URL', raw)

describe('the URL of a mail server', () => {
  for (const [raw, host, port, protection] of [
    ['smtps://mail.example.com', 'mail.example.com', 465, 'tls'],
    ['smtps://mail.example.com:2465/', 'mail.example.com', 2465, 'tls'],
    ['smtp://mail.example.com', 'mail.example.com', 587, 'starttls'],
    ['smtp://10.0.0.9:25', '10.0.0.9', 25, 'starttls'],
    ['smtp://relay.internal:2525?tls=none', 'relay.internal', 2525, 'none'],
    ['smtp://relay.internal?tls=none', 'relay.internal', 25, 'none'],
    ['smtp://localhost', 'localhost', 25, 'none'],
    ['smtp://127.1.2.3:1025', '127.1.2.3', 1025, 'none'],
    ['smtp://[::1]:1025', '::1', 1025, 'none'],
    ['smtps://localhost', 'localhost', 465, 'tls'],
    ['smtp://localhost.example.com', 'localhost.example.com', 587, 'starttls'],
    ['smtp://[2001:db8::1]', '2001:db8::1', 587, 'starttls'],
  ] as const)
    test(`${raw} is protected by ${protection} on port ${port}`, () =>
      assert.deepEqual(read(raw), { host, port, protection, login: null }))

  test('holds a user and a password with any character in them', () =>
    assert.deepEqual(read('smtps://ann%40example.com:p%2F%3Fss%40w%23rd%25@mail.example.com').login, {
      user: 'ann@example.com',
      password: 'p/?ss@w#rd%',
    }))

  for (const raw of [
    'mail.example.com',
    'http://ann:sesame@mail.example.com',
    'smtp://ann:sesame/open@mail.example.com',
    'smtp://ann:sesame?open@mail.example.com',
    'smtp://ann:sesame#open@mail.example.com',
    'smtp://ann:sesame%zz@mail.example.com',
    'smtp://ann:sesame@mail.example.com/path',
    'smtp://ann:sesame@mail.example.com?tls=optional',
    'smtps://ann:sesame@mail.example.com?tls=none',
    'smtp://ann:sesame@',
    'smtp://ann@mail.example.com',
    'smtp://:sesame@mail.example.com',
    'smtp://ann:sesame@mail.example.com:99999',
  ])
    test(`${raw} is refused, and not repeated`, () =>
      assert.throws(
        () => read(raw),
        error => error instanceof OperatorError && !/sesame|ann@|open/.test(error.message),
      ))
})

describe('the sender', () => {
  for (const [issuer, address] of [
    ['http://localhost:4000/', 'no-reply@localhost'],
    ['https://login.example.com/', 'no-reply@login.example.com'],
    ['http://127.0.0.1:4000/', 'no-reply@[127.0.0.1]'],
    ['http://[::1]:4000/', 'no-reply@[IPv6:::1]'],
  ] as const)
    test(`of ${issuer} is ${address} unless told`, () => assert.equal(noReplyAt(issuer), address))

  test('is an address and nothing else', () => {
    assert.equal(readSender('LATCHKEY_MAIL_FROM', 'login@example.com'), 'login@example.com')
    for (const raw of [
      'Login <login@example.com>',
      'login',
      'a@b@c',
      'login@example.com\r\nbcc: eve@example.com',
      'a@ b',
    ])
      assert.throws(() => readSender('LATCHKEY_MAIL_FROM', raw), OperatorError)
  })
})
