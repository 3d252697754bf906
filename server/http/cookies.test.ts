import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type CookieKind, dropCookie, readCookie, setCookie } from './cookies.ts'

const SESSION: CookieKind = { name: 'latchkey.session', life: 90_500 }

describe('a cookie that is set', () => {
  test('over https bears the prefix that no subdomain and no plain-http page can give', () =>
    assert.equal(
      setCookie(SESSION, 'secret', { secure: true, sameSite: 'Lax' }),
      '__Host-latchkey.session=secret; Path=/; SameSite=Lax; Max-Age=90; HttpOnly; Secure',
    ))

  test('over http is Lax, whatever was asked: browsers drop SameSite=None without Secure', () =>
    assert.equal(
      setCookie(SESSION, 'secret', { secure: false, sameSite: 'None' }),
      'latchkey.session=secret; Path=/; SameSite=Lax; Max-Age=90; HttpOnly',
    ))

  test('goes with requests from other sites where the tenant needs it', () =>
    assert.match(setCookie(SESSION, 'secret', { secure: true, sameSite: 'None' }), /; SameSite=None;/))

  test('lives as long as the browser when it has no life', () =>
    assert.doesNotMatch(setCookie({ ...SESSION, life: null }, 'secret', { secure: false, sameSite: 'Lax' }), /Max-Age/))

  test('is hidden from scripts unless it is made to be read', () =>
    assert.doesNotMatch(
      setCookie({ ...SESSION, readable: true }, 'value', { secure: true, sameSite: 'Lax' }),
      /HttpOnly/,
    ))

  test('is dropped under the same name, path and prefix, or the browser would keep it', () =>
    assert.equal(
      dropCookie(SESSION, { secure: true, sameSite: 'None' }),
      '__Host-latchkey.session=; Path=/; SameSite=None; Max-Age=0; HttpOnly; Secure',
    ))
})

describe('a cookie that is read', () => {
  for (const [header, secure, expected, why] of [
    [undefined, false, undefined, 'no header'],
    ['', false, undefined, 'an empty header'],
    ['latchkey.session=a', false, 'a', 'it alone'],
    ['other=x; latchkey.session=a; more=y', false, 'a', 'it among others'],
    ['other=x;latchkey.session=a', false, 'a', 'no space before it'],
    ['latchkey.session=a=b==', false, 'a=b==', 'a value with equals signs'],
    ['latchkey.session=', false, undefined, 'no value'],
    ['latchkey.session=a; latchkey.session=b', false, 'a', 'two of the name: the more specific comes first'],
    ['xlatchkey.session=a', false, undefined, 'a name that ends like it'],
    ['latchkey.session2=a', false, undefined, 'a name that begins like it'],
    ['LATCHKEY.SESSION=a', false, undefined, 'another case: names are compared exactly'],
    ['__Host-latchkey.session=a', true, 'a', 'the prefixed one over https'],
    ['latchkey.session=planted', true, undefined, 'over https one without the prefix, which a subdomain could plant'],
    ['latchkey.session=planted; __Host-latchkey.session=a', true, 'a', 'a planted one before the real one'],
  ] as const)
    test(why, () => assert.equal(readCookie(header, SESSION, secure), expected))
})
