import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { emailKey, readEmailAddress } from './email-address.ts'

describe('what is taken for an e-mail address', () => {
  for (const [typed, kept] of [
    ['ann@example.com', 'ann@example.com'],
    ['  ann@example.com\n', 'ann@example.com'],
    ["Ann.O'Neil+tag@mail.example.co.uk", "Ann.O'Neil+tag@mail.example.co.uk"],
    ['Ａｎｎ@example．com', 'Ann@example.com'],
    ['한글@예시.한국', '한글@예시.한국'],
    ['u\u0308ber@example.com', 'über@example.com'],
  ] as const)
    test(`${JSON.stringify(typed)} is kept as ${kept}`, () => assert.equal(readEmailAddress(typed), kept))

  for (const [typed, why] of [
    ['', 'nothing'],
    ['ann', 'no @'],
    ['@example.com', 'nobody'],
    ['ann@', 'no domain'],
    ['ann@localhost', 'a domain without a dot'],
    ['ann@example.', 'a domain that ends in a dot'],
    ['ann@mallory@example.com', 'two @'],
    ['ann＠mallory@example.com', 'two @, one of them full width'],
    ['ann @example.com', 'a space'],
    ['ann\r\nbcc:eve@example.com', 'a line break, which would be another header of a mail'],
    ['ann\u0000@example.com', 'a control'],
    ['an\u00adn@example.com', 'a soft hyphen, which nobody sees'],
    ['ann\u200d@example.com', 'a joiner, which nobody sees'],
    ['ann\u202e@example.com', 'a mark that turns the reading direction'],
    ['ann\ufe0f@example.com', 'a variation selector, which nobody sees'],
    ['ann\u3164@example.com', 'a filler, which is a letter and blank'],
    ['ann\ufffd@example.com', 'what stands for bytes that could not be read'],
    ['ann@\ufffdexample.com', 'the same in the domain'],
    ['Ann <ann@example.com>', 'a display name'],
    ['ann,eve@example.com', 'two recipients'],
    [`${'a'.repeat(65)}@example.com`, '65 characters before the @'],
    [`ann@${'mail.'.repeat(50)}com`, '257 characters'],
    ['ann@example..com', 'an empty label'],
    ['ann@-example.com', 'a label that begins with a hyphen'],
    ['ann@192.0.2.1', 'an IP address'],
    ['ann@[192.0.2.1].com', 'brackets'],
    ['ann@example.com/../x', 'a path'],
    ['ann@example.com:25', 'a port'],
    ['ann@example.org%0d', 'an escape'],
    ["ann@example.org'onx='", 'quotes in the domain'],
    ['.ann@example.com', 'a dot at the start'],
    ['ann..o@example.com', 'two dots in a row'],
  ] as const)
    test(`${why} is refused`, () => assert.equal(readEmailAddress(typed), undefined))

  test('254 characters are the most', () => {
    const longest = `${'a'.repeat(64)}@${'b'.repeat(61)}.${'c'.repeat(61)}.${'d'.repeat(61)}.com`
    assert.equal(longest.length, 254)
    assert.equal(readEmailAddress(longest), longest)
  })
})

describe('which addresses are the same person’s', () => {
  for (const [one, other] of [
    ['ann@example.com', 'ANN@EXAMPLE.COM'],
    ['ann@example.com', 'Ａnn@example.com'],
    ['ﬁn@example.com', 'fin@example.com'],
    ['straße@example.com', 'STRASSE@example.com'],
    ['straße@example.com', 'STRAẞE@example.com'],
    ['ſam@example.com', 'sam@example.com'],
    ['ilhan@example.com', 'ılhan@example.com'],
    ['Kim@example.com', 'kim@example.com'],
    ['ann@bücher.example', 'ann@BÜCHER.example'],
    ['ann@bücher.example', 'ann@xn--bcher-kva.example'],
    ['ὀδυσσεύς@example.com', 'ὈΔΥΣΣΕΎΣ@example.com'],
    ['u\u0308ber@example.com', 'ÜBER@example.com'],
  ] as const)
    test(`${one} is ${other}`, () => assert.equal(emailKey(one), emailKey(other)))

  for (const [one, other, why] of [
    ['ann@example.com', 'аnn@example.com', 'a Cyrillic а only looks like a Latin one'],
    ['ilhan@example.com', 'İlhan@example.com', 'İ keeps its dot'],
    ['ann@gmail.com', 'ann@gmaıl.com', 'that domain is somebody else’s'],
    ['ann@strasse.example', 'ann@straße.example', 'so is that'],
    ['ann@example.com', 'a.nn@example.com', 'dots mean something to other mail systems'],
    ['ann@example.com', 'ann+x@example.com', 'so do tags'],
  ] as const)
    test(`${one} is not ${other}: ${why}`, () => assert.notEqual(emailKey(one), emailKey(other)))

  test('no letter has two keys, in whichever case or form it is typed', () => {
    const split: string[] = []
    for (let point = 0x21; point < 0x11_0000; point++) {
      const typed = String.fromCodePoint(point)
      if (!/\p{L}|\p{M}|\p{N}|\p{S}/u.test(typed)) continue
      const keyOf = (local: string) => emailKey(`${local}@example.com`)
      const key = keyOf(typed)
      const forms = [typed.toUpperCase(), typed.toLowerCase(), typed.normalize('NFD'), typed.normalize('NFKD')]
      if (forms.some(form => keyOf(form) !== key) || emailKey(key) !== key) split.push(typed)
    }
    assert.deepEqual(split, [])
  })
})
