import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { anIncoming } from '../../tests/fixtures/records.ts'
import { PageError } from '../kernel/errors.ts'
import { refuseForeignPost } from './same-origin.ts'

const post = (headers: Record<string, string>) => () => refuseForeignPost(anIncoming({ method: 'POST', headers }))

describe('a posted form', () => {
  for (const [headers, why] of [
    [{ 'sec-fetch-site': 'same-origin' }, 'from our own page'],
    [{ 'sec-fetch-site': 'same-origin', origin: 'https://login.example.com' }, 'from our own page, said twice'],
    [{ 'sec-fetch-site': 'same-origin', origin: 'null' }, 'from our own page, whose referrer policy hides the origin'],
    [{ origin: 'https://login.example.com' }, 'from our own page, in a browser without Sec-Fetch-Site'],
  ] as [Record<string, string>, string][])
    test(`${why} is taken`, () => assert.doesNotThrow(post(headers)))

  for (const [headers, why] of [
    [{}, 'that says nothing of where it comes from'],
    [{ 'sec-fetch-site': 'cross-site' }, 'from another site'],
    [{ 'sec-fetch-site': 'same-site' }, 'from a sibling host, which may be somebody else’s'],
    [{ 'sec-fetch-site': 'none' }, 'that no page sent'],
    [{ 'sec-fetch-site': 'same-site', origin: 'https://login.example.com' }, 'whose Origin contradicts Sec-Fetch-Site'],
    [{ 'sec-fetch-site': 'same-origin, same-origin' }, 'with the header twice'],
    [{ origin: 'null' }, 'from a sandbox or a file'],
    [{ origin: 'http://login.example.com' }, 'from our host over plain http'],
    [{ origin: 'https://login.example.com:8443' }, 'from another port of our host'],
    [{ origin: 'https://login.example.com.evil.example' }, 'from a host that begins like ours'],
  ] as [Record<string, string>, string][])
    test(`${why} is refused`, () =>
      assert.throws(post(headers), (error: unknown) => error instanceof PageError && error.code === 'cross_site_post'))
})
