/** The strength meter in Chromium: it agrees with the server, speaks to everybody, and tells nobody what is typed. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { findPasswordProblem } from '../../server/identity/choosable-password.ts'
import { SHORTEST_PASSWORD } from '../../server/policy/password-rule.js'
import { wordsOf } from '../../server/words/catalogue.ts'
import { launchBrowser } from '../fixtures/browser.ts'
import { type PageServer, startPageServer } from './page-server.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const SITE = '24-Hour Video'
const EMAIL = 'ann.example@mail.example'
const { strength, problems } = wordsOf('en').newPassword

let server: PageServer
let chromium: Browser

before(async () => {
  server = await startPageServer()
  chromium = await launchBrowser()
})
after(async () => {
  await chromium?.close()
  await server?.close()
})

async function onSignUp(
  run: (page: Page, asked: string[]) => Promise<void>,
  options: { language?: string; javaScriptEnabled?: boolean } = {},
): Promise<void> {
  const context = await chromium.newContext({
    reducedMotion: 'reduce',
    javaScriptEnabled: options.javaScriptEnabled ?? true,
  })
  const page = await context.newPage()
  const asked: string[] = []
  const complaints: string[] = []
  page.on('request', request => asked.push(request.url()))
  page.on('console', message => complaints.push(message.text()))
  page.on('pageerror', error => complaints.push(String(error)))
  try {
    await page.goto(server.urlOf({ name: 'sign-up' }, options.language ?? 'en'))
    // Chromium complains of a page whose own focus comes behind somebody's.
    await page.locator(':focus').waitFor()
    await run(page, asked)
    assert.deepEqual(complaints, [])
  } finally {
    await context.close()
  }
}

/** What stands beside the bar, once it is there. */
async function verdictOf(page: Page, password: string): Promise<string> {
  await page.locator('#password').fill(password)
  await page.locator('#password-strength').waitFor()
  // Typed before the library was there, it is judged when it comes.
  await page.waitForFunction("document.querySelector('#password-strength .verdict').textContent !== ''")
  return page.locator('#password-strength .verdict').innerText()
}

test('what the server would refuse is refused while it is typed, with the reason, and nothing else is', async () => {
  await onSignUp(async page => {
    await page.locator('#email').fill(EMAIL)
    for (const password of [
      'quiet',
      'Password1!',
      'annexample',
      '24hourvideo!',
      'qwer1234',
      'ababababab',
      'wlzqpmrk',
      'seven quiet magpies',
      'sunshine and rain',
    ]) {
      const problem = await findPasswordProblem(password, [EMAIL, SITE])
      const verdict = await verdictOf(page, password)
      const reason = problem && problem !== 'password_too_short' ? problems[problem].what : undefined
      if (reason) assert.equal(verdict, reason, password)
      else if (problem) assert.equal(verdict, strength[0], password)
      else assert.ok(strength.slice(1).includes(verdict), `${password}: ${verdict}`)
    }
  })
})

test('a longer one of the same kind is stronger', async () => {
  await onSignUp(async page => {
    const weak = strength.indexOf(await verdictOf(page, 'wlzqpmrk'))
    const strong = strength.indexOf(await verdictOf(page, 'wlzqpmrk under seven quiet magpies'))
    assert.ok(weak < strong, `${weak} < ${strong}`)
    assert.equal(strong, 4)
  })
})

test('what it needs is fetched when the field is first used, from here, and nothing typed is ever sent', async () => {
  await onSignUp(async (page, asked) => {
    const library = () => asked.filter(url => /zxcvbn|password-rule/.test(url))
    await page.locator('#email').fill(EMAIL)
    assert.deepEqual(library(), [])
    await verdictOf(page, 'seven quiet magpies')
    assert.equal(library().length, 3)
    for (const url of asked) {
      assert.ok(url.startsWith(`${server.origin}/`), url)
      assert.doesNotMatch(url, /magpies/)
    }
    assert.equal(server.posts.length, 0)
  })
})

test('it is announced when the typing pauses, is gone with the last character, and axe finds nothing', async () => {
  await onSignUp(async page => {
    await verdictOf(page, 'seven quiet magpies')
    await page.getByRole('status').getByText(String(strength[4])).waitFor()
    await page.evaluate(axe)
    const { violations } = (await page.evaluate('axe.run()')) as { violations: { id: string }[] }
    assert.deepEqual(violations, [])
    await page.locator('#password').fill('')
    await page.locator('#password-strength').waitFor({ state: 'hidden' })
  })
})

test('it speaks Korean', async () => {
  await onSignUp(
    async page =>
      assert.equal(await verdictOf(page, 'Password1!'), wordsOf('ko').newPassword.problems.password_common.what),
    { language: 'ko' },
  )
})

test('without JavaScript there is no trace of it', async () => {
  await onSignUp(
    async page => {
      assert.equal(await page.locator('#password-strength').isVisible(), false)
      assert.ok(await page.getByText(wordsOf('en').newPassword.hint(SHORTEST_PASSWORD)).isVisible())
    },
    { javaScriptEnabled: false },
  )
})
