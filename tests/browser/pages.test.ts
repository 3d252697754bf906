/**
 * The hosted pages in a real browser, under their real content security policy. Markup alone is judged beside the
 * renderer; the flows that lead from page to page have tests of their own.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, before, test } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { languages } from '../../server/words/languages.ts'
import { launchBrowser } from '../fixtures/browser.ts'
import { type PageServer, startPageServer } from './page-server.ts'
import { type PageState, pageStates } from './page-states.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

let server: PageServer
let browser: Browser

before(async () => {
  server = await startPageServer()
  browser = await launchBrowser()
})
after(async () => {
  await browser?.close()
  await server?.close()
})

interface Violation {
  readonly id: string
  readonly impact: string
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
}

/** Of a page that axe was put into. As text, because the browser's names mean nothing to the compiler here. */
async function seriousViolations(page: Page, rules?: readonly string[]): Promise<Violation[]> {
  const options = JSON.stringify({ resultTypes: ['violations'], ...(rules && { runOnly: rules }) })
  const violations: Violation[] = await page.evaluate(`axe.run(${options}).then(result => result.violations)`)
  return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
}

/** All that a scheme changes of a page is its colours, and all that a language changes is its words. */
const RULES_OF_COLOURS = ['color-contrast', 'link-in-text-block']
const RULES_OF_WORDS = [
  'button-name',
  'document-title',
  'html-has-lang',
  'html-lang-valid',
  'image-alt',
  'input-button-name',
  'label',
  'link-name',
  'summary-name',
  'valid-lang',
]

/** What can be touched and is lower or narrower than 44 px. */
const SMALL_TARGETS = `[...document.querySelectorAll('a, button, summary, input:not([type=hidden])')]
  .filter(each => each.checkVisibility())
  .filter(each => { const box = each.getBoundingClientRect(); return box.height < 44 || box.width < 44 })
  .map(each => each.outerHTML)`

const SIDEWAYS = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'

async function withPage(run: (page: Page) => Promise<void>, options: Parameters<Browser['newContext']>[0] = {}) {
  const context: BrowserContext = await browser.newContext({ reducedMotion: 'reduce', ...options })
  try {
    await run(await context.newPage())
  } finally {
    await context.close()
  }
}

const stateNamed = (name: string): PageState => {
  const state = pageStates.find(each => each.name === name)
  assert.ok(state, name)
  return state
}

for (const language of languages) {
  test(`in every state a page in ${language} is accessible, in light and dark, fits and can be touched`, async () => {
    await withPage(async page => {
      const complaints: string[] = []
      page.on('console', message => complaints.push(message.text()))
      page.on('pageerror', error => complaints.push(String(error)))
      // Once, for every page that is opened, whatever the page's policy.
      await page.addInitScript({ content: axe })

      for (const state of pageStates) {
        await page.setViewportSize({ width: 768, height: 900 })
        const response = await page.goto(server.urlOf(state, language))
        assert.equal(response?.status(), 200, state.name)
        if (language === languages[0]) {
          await page.emulateMedia({ colorScheme: 'light' })
          assert.deepEqual(await seriousViolations(page), [], `${state.name} in light`)
          await page.emulateMedia({ colorScheme: 'dark' })
          assert.deepEqual(await seriousViolations(page, RULES_OF_COLOURS), [], `${state.name} in dark`)
        } else assert.deepEqual(await seriousViolations(page, RULES_OF_WORDS), [], state.name)
        // 320 px is 1280 px at 400 %, and so more than 200 % of a phone held upright (WCAG 2.2 §1.4.10).
        await page.setViewportSize({ width: 320, height: 640 })
        assert.equal(await page.evaluate(SIDEWAYS), 0, `${state.name} scrolls sideways`)
        assert.deepEqual(await page.evaluate(SMALL_TARGETS), [], state.name)
      }
      assert.deepEqual(complaints, [], 'the policy or a script complained')
    })
  })
}

test('a hostile name makes no element and runs nothing', async () => {
  await withPage(async page => {
    for (const name of ['sign-in', 'consent', 'sign-out', 'signed-out'].map(page => `names-hostile-${page}`)) {
      await page.goto(server.urlOf(stateNamed(name), 'en'))
      assert.equal(await page.locator('img').count(), 0)
      assert.match(await page.title(), /<\/title><img src=x onerror=alert\(1\)>/)
      assert.match(await page.locator('h1, .lead').allInnerTexts().then(String), /<\/title><img src=x/)
    }
  })
})

test('the password can be shown and hidden again, and is hidden when it is sent', async () => {
  await withPage(async page => {
    await page.goto(server.urlOf(stateNamed('sign-in-known-address'), 'ko'))
    const password = page.locator('#password')
    await password.fill('correct horse')
    await page.getByRole('button', { name: '비밀번호 보기' }).click()
    assert.equal(await password.getAttribute('type'), 'text')
    await page.getByRole('button', { name: '비밀번호 숨기기' }).click()
    assert.equal(await password.getAttribute('type'), 'password')

    await page.getByRole('button', { name: '비밀번호 보기' }).click()
    await page.evaluate("document.forms[0].addEventListener('submit', event => event.preventDefault())")
    await page.getByRole('button', { name: '로그인' }).click()
    assert.equal(await password.getAttribute('type'), 'password')
  })
})

test('a form is sent once however often its button is pressed, and again after coming back to the page', async () => {
  await withPage(async page => {
    await page.goto(server.urlOf(stateNamed('sign-in-known-address'), 'en'))
    await page.evaluate("document.forms[0].action = '/posted?delay=1000'")
    await page.locator('#password').fill('correct horse')
    const sent = server.posts.length
    // In one go, before the answer replaces the page; `pageshow` as the back-forward cache sends it.
    const marks = await page.evaluate(`(async () => {
      const button = document.querySelector('.primary')
      for (let press = 0; press < 3; press++) {
        button.click()
        // Presses at one instant are one navigation to the browser; these are three.
        await new Promise(resolve => setTimeout(resolve, 60))
      }
      const whileSent = button.getAttribute('aria-disabled')
      dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))
      return [whileSent, button.getAttribute('aria-disabled')]
    })()`)
    assert.deepEqual(marks, ['true', null])
    await page.waitForURL('**/posted?delay=1000')
    assert.equal(server.posts.length, sent + 1)
  })
})

test('a form says which site it was posted from, so that a forged one can be told apart', async () => {
  await withPage(async page => {
    await page.goto(server.urlOf(stateNamed('sign-in-known-address'), 'en'))
    await page.locator('#password').fill('correct horse')
    await page.keyboard.press('Enter')
    await page.waitForURL('**/posted')
    assert.deepEqual(server.posts.at(-1), {
      origin: server.origin,
      body: 'username=ann%40example.com&password=correct+horse',
    })
  })
})

test('an address typed to sign in need not be typed again for a forgotten password, and stands in no URL', async () => {
  await withPage(async page => {
    await page.goto(server.urlOf(stateNamed('sign-in'), 'en'))
    await page.evaluate(
      `document.querySelector('a.aside').href = '${server.urlOf(stateNamed('forgot-password'), 'en')}'`,
    )
    await page.locator('#username').fill('ann@example.com')
    await page.getByRole('link', { name: 'Forgot your password?' }).click()
    await page.waitForURL('**/forgot-password?*')
    assert.equal(await page.locator('#email').inputValue(), 'ann@example.com')
    assert.doesNotMatch(page.url(), /ann/)
    await page.goto(server.urlOf(stateNamed('sign-up'), 'en'))
    assert.equal(await page.locator('#email').inputValue(), '', 'it is carried once')
  })
})

test('without JavaScript a page signs in all the same, and shows no button that would do nothing', async () => {
  await withPage(
    async page => {
      await page.goto(server.urlOf(stateNamed('sign-in'), 'en'))
      assert.equal(await page.getByRole('button').count(), 1)
      await page.getByLabel('E-mail').fill('ann@example.com')
      await page.getByLabel('Password', { exact: true }).fill('correct horse')
      await page.getByRole('button', { name: 'Sign in' }).click()
      await page.waitForURL('**/posted')
      assert.equal(server.posts.at(-1)?.body, 'username=ann%40example.com&password=correct+horse')
    },
    { javaScriptEnabled: false },
  )
})

for (const javaScriptEnabled of [true, false]) {
  test(`each decision is sent by its button ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async () => {
    await withPage(
      async page => {
        for (const [button, body] of [
          ['Not now', 'shown=digest&decision=refuse'],
          ['Allow', 'shown=digest&decision=allow'],
        ] as const) {
          await page.goto(server.urlOf(stateNamed('consent'), 'en'))
          await page.getByRole('button', { name: button }).click()
          await page.waitForURL('**/posted')
          assert.equal(server.posts.at(-1)?.body, body)
        }
      },
      { javaScriptEnabled },
    )
  })
}

test('Enter on a consent page that was just opened allows nothing', async () => {
  await withPage(async page => {
    await page.goto(server.urlOf(stateNamed('consent'), 'en'))
    const sent = server.posts.length
    await page.keyboard.press('Enter')
    await page.keyboard.press('Space')
    await page.waitForTimeout(200)
    assert.equal(server.posts.length, sent)

    // The first that the keyboard reaches in the card is the one that gives nothing away.
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.waitForURL('**/posted')
    assert.equal(server.posts.at(-1)?.body, 'shown=digest&decision=refuse')
  })
})

test('once a decision is on its way, the other one is not sent after it', async () => {
  await withPage(async page => {
    await page.goto(server.urlOf(stateNamed('consent'), 'en'))
    await page.evaluate("document.forms[0].action = '/posted?delay=500'")
    const sent = server.posts.length
    const marks = await page.evaluate(`(async () => {
      const [refuse, allow] = document.querySelectorAll('form button')
      refuse.click()
      await new Promise(resolve => setTimeout(resolve, 60))
      allow.click()
      return [refuse, allow].map(button => button.getAttribute('aria-disabled'))
    })()`)
    assert.deepEqual(marks, ['true', 'true'])
    await page.waitForURL('**/posted?delay=500')
    assert.deepEqual(
      server.posts.slice(sent).map(({ body }) => body),
      ['shown=digest&decision=refuse'],
    )
  })
})

test('initials stand where a picture is missing or does not load', async () => {
  await withPage(async page => {
    for (const [state, initials, loaded] of [
      ['consent', 'AE', []],
      ['consent-korean', '민준', [true]],
      ['consent-everything', 'AC', [false]],
    ] as const) {
      await page.goto(server.urlOf(stateNamed(state), 'en'))
      assert.equal(await page.locator('.avatar').innerText(), initials)
      assert.deepEqual(
        await page.evaluate("[...document.querySelectorAll('.avatar img')].map(image => image.naturalWidth > 0)"),
        loaded,
      )
      // A browser's sign for a broken picture would hide them: the avatar looks as it does without the picture.
      const shown = await page.locator('.avatar').screenshot()
      await page.evaluate("document.querySelector('.avatar img')?.remove()")
      const bare = await page.locator('.avatar').screenshot()
      assert.equal(shown.equals(bare), !loaded[0], state)
    }
  })
})

test('focus waits in the field to fill first', async () => {
  await withPage(async page => {
    for (const [state, field] of [
      ['sign-in', 'username'],
      ['sign-in-known-address', 'password'],
      ['sign-in-wrong_credentials', 'password'],
      ['sign-in-missing_email', 'username'],
      ['sign-up', 'email'],
      ['sign-up-address_taken', 'email'],
      ['sign-up-password_too_short', 'password'],
    ] as const) {
      await page.goto(server.urlOf(stateNamed(state), 'en'))
      // Browsers move it with the first frame they draw, which may be after the page has loaded.
      await page.locator(`#${field}:focus`).waitFor({ timeout: 5000 })
    }
  })
})
