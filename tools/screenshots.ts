/**
 * Pictures of the hosted pages, as Chromium draws them.
 *
 *   node tools/screenshots.ts            draws anew what the README shows, in `docs/pictures/`
 *   node tools/screenshots.ts <folder> [part of a name]
 *                                        draws every state, language, scheme and width there, to be looked at
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright-core'
import { type Language, languages } from '../server/words/languages.ts'
import { type PageServer, startPageServer } from '../tests/browser/page-server.ts'
import { pageStates } from '../tests/browser/page-states.ts'
import { launchBrowser } from '../tests/fixtures/browser.ts'

interface Picture {
  readonly file: string
  readonly state: string
  readonly language: Language
  readonly scheme: 'light' | 'dark'
  readonly width: number
  readonly height: number
}

const README: readonly Picture[] = [
  { file: 'sign-in.png', state: 'sign-in-known-address', language: 'en', scheme: 'light', width: 768, height: 720 },
  {
    file: 'sign-in-error.ko.dark.png',
    state: 'sign-in-wrong_credentials',
    language: 'ko',
    scheme: 'dark',
    width: 768,
    height: 780,
  },
  { file: 'sign-up.png', state: 'sign-up', language: 'en', scheme: 'light', width: 768, height: 720 },
  { file: 'consent.png', state: 'consent', language: 'en', scheme: 'light', width: 768, height: 800 },
  { file: 'sign-in.phone.ko.png', state: 'sign-in', language: 'ko', scheme: 'light', width: 360, height: 720 },
]

const WIDTHS = [360, 768, 1440]

function everything(): Picture[] {
  return pageStates.flatMap(state =>
    languages.flatMap(language =>
      (['light', 'dark'] as const).flatMap(scheme =>
        WIDTHS.map(width => ({
          file: `${state.name}.${language}.${scheme}.${width}.png`,
          state: state.name,
          language,
          scheme,
          width,
          height: width === 1440 ? 900 : 740,
        })),
      ),
    ),
  )
}

async function draw(browser: Browser, server: PageServer, picture: Picture, folder: string): Promise<void> {
  const page = await browser.newPage({
    viewport: { width: picture.width, height: picture.height },
    colorScheme: picture.scheme,
    reducedMotion: 'reduce',
  })
  try {
    const response = await page.goto(server.urlOf({ name: picture.state }, picture.language))
    if (!response?.ok()) throw new Error(`${picture.state} is not a page: ${await response?.text()}`)
    // A blinking caret would make every run another picture.
    await page.screenshot({ path: join(folder, picture.file), fullPage: true, caret: 'hide' })
  } finally {
    await page.close()
  }
}

const [, , asked, part = ''] = process.argv
const folder = asked ?? fileURLToPath(new URL('../docs/pictures/', import.meta.url))
const pictures = asked === undefined ? README : everything().filter(({ file }) => file.includes(part))

await mkdir(folder, { recursive: true })
const server = await startPageServer()
const browser = await launchBrowser()
try {
  for (const picture of pictures) await draw(browser, server, picture, folder)
  console.log(`${pictures.length} pictures in ${folder}`)
} finally {
  await browser.close()
  await server.close()
}
