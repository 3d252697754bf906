import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { linkIn, readMail } from '../../tests/fixtures/mailbox.ts'
import { HOUR } from '../kernel/seconds.ts'
import { languages } from '../words/languages.ts'
import type { Letter, MailMessage } from './letter.ts'
import type { Sender } from './letter-view.ts'
import { composeMessage } from './message.ts'

const LINK = `https://login.example.com/reset-password/${'s'.repeat(43)}`
const CHROME = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/141.0.0.0 Safari/537.36'

const letter: Letter = {
  message: 'reset-password',
  to: 'ann@example.com',
  user: 'auth0|ann',
  language: 'en',
  issuer: 'https://login.example.com/',
  link: LINK,
  linkLife: HOUR,
  userAgent: CHROME,
}

async function compose(changes: Partial<Letter> = {}, sender: Partial<Sender> = {}) {
  const { bytes } = await composeMessage(
    { ...letter, ...changes },
    { name: '24-Hour Video', accent: null, ...sender },
    { id: 'mail-1', promisedAt: Date.UTC(2027, 0, 15, 8), from: 'no-reply@login.example.com' },
  )
  return readMail(bytes.toString('latin1'))
}

describe('a mail', () => {
  test('comes from the tenant, to one person, and says what a machine has to know', async () => {
    const { headers, from, to, subject } = await compose()
    assert.equal(from, '"24-Hour Video" <no-reply@login.example.com>')
    assert.equal(to, 'ann@example.com')
    assert.equal(subject, 'Choose a new password for 24-Hour Video')
    assert.equal(headers.get('auto-submitted'), 'auto-generated')
    assert.equal(headers.get('message-id'), '<mail-1@login.example.com>')
    assert.equal(headers.get('date'), 'Fri, 15 Jan 2027 08:00:00 +0000')
    assert.equal(headers.get('mime-version'), '1.0')
    assert.match(headers.get('content-type') ?? '', /^multipart\/alternative/)
  })

  test('says in both of its parts who asked, what to do, for how long, and what if it was not you', async () => {
    const mail = await compose()
    const html = mail.html.replace(/<bdi>|<\/bdi>\u2060?/g, '')
    for (const part of [mail.text.replace(/[\u2068\u2069]/g, ''), html])
      for (const sentence of [
        /We were asked for a new password for your account at 24-Hour Video\./,
        /Choose a new password/,
        /The link works once, within 1 hour\./,
        /Browser: Chrome · Windows/,
        /If it was not you who asked, you need do nothing\./,
      ])
        assert.match(part, sentence)
    assert.equal(linkIn(mail), LINK)
    assert.ok(mail.text.split('\n').includes(LINK), 'the link has a line of its own')
    assert.deepEqual([...new Set(mail.html.match(/href="[^"]*"/g))], [`href="${LINK}"`])
  })

  for (const language of languages)
    for (const message of [
      'reset-password',
      'verify-email',
      'sign-up',
      'sign-up-taken',
      'password-changed',
      'guessing',
      'welcome',
    ] satisfies MailMessage[])
      test(`of ${message} in ${language} is whole, and made of ASCII lines that every server takes`, async () => {
        const mail = await compose({ message, language }, { name: '24시간 비디오' })
        assert.match(mail.from, /^"?24시간 비디오"? </)
        assert.match(mail.subject, /24시간 비디오/)
        assert.ok(mail.html.includes(`<html lang="${language}">`))
        for (const text of [mail.text, mail.html]) assert.doesNotMatch(text, /undefined|null|\[object|\ufffd/)
        // RFC 5321 §4.5.3.1.6; without 8BITMIME nothing but ASCII may travel.
        for (const line of mail.source.split('\r\n')) assert.match(line, /^[\t\x20-\x7e]{0,998}$/)
      })

  for (const name of [
    'Video\r\nBcc: eve@example.com',
    'Video\nSubject: gone\n\nThe body is mine',
    'Video\u0000\u0085\u2028Bcc: eve@example.com',
    '"Video" <eve@example.com>, "',
    'eve@example.com, Video',
    '=?UTF-8?B?VmlkZW8NCkJjYzogZXZlQGV4YW1wbGUuY29t?=',
    '</title><script>alert(1)</script>',
    '{{ mail.link }}{% include "x" %}',
    `${'v'.repeat(2000)}`,
  ])
    test(`in the name of ${JSON.stringify(name.slice(0, 50))} has no header, recipient or element that is not ours`, async () => {
      const { headers, html, source } = await compose({}, { name })
      assert.deepEqual([...headers.keys()].toSorted(), [
        'auto-submitted',
        'content-type',
        'date',
        'from',
        'message-id',
        'mime-version',
        'subject',
        'to',
      ])
      assert.equal(headers.get('to'), 'ann@example.com')
      assert.match(headers.get('from') ?? '', /<no-reply@login\.example\.com>$/)
      assert.doesNotMatch(headers.get('from')?.replace(/"[^"]*"/g, '') ?? '', /eve@/)
      assert.doesNotMatch(html, /<script/)
      for (const line of source.split('\r\n')) assert.ok(line.length <= 998)
    })

  for (const to of [
    'ann@example.com\r\nBcc: eve@example.com',
    'ann@example.com, eve@example.com',
    'ann@example.com>, <eve@example.com',
    '"ann, eve"@example.com',
  ])
    test(`to ${JSON.stringify(to)} is to nobody beside it`, async () => {
      const { headers } = await compose({ to })
      assert.equal(headers.has('bcc'), false)
      assert.equal((headers.get('to') ?? '').replace(/"[^"]*"/g, '').includes(','), false)
    })

  test('has the tenant’s colour with text that can be read on it, and none that is no colour', async () => {
    const yellow = await compose({}, { accent: '#ffd400' })
    assert.match(yellow.html, /background:#ffd400;color:#000000/)
    const hostile = await compose({}, { accent: 'red;background:url(https://eve.example/)' })
    assert.doesNotMatch(hostile.html, /eve\.example/)
  })

  test('to nobody is made like any other, and is to its sender', async () => {
    const { to, html } = await compose({ to: null, user: null })
    assert.equal(to, 'no-reply@login.example.com')
    assert.ok(html.includes(LINK))
  })

  test('that tells of something done leads to a page and promises no time', async () => {
    const { text } = await compose({
      message: 'password-changed',
      link: 'https://login.example.com/forgot-password',
      linkLife: null,
      userAgent: null,
    })
    assert.match(text, /Your password was changed/)
    assert.doesNotMatch(text, /works|Browser/)
  })
})
