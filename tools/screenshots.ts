/**
 * Pictures of the hosted pages, as Chromium draws them.
 *
 *   npm run pictures                     draws anew those in `docs/pictures/` whose pages have changed
 *   node tools/screenshots.ts <folder> [part of a name]
 *                                        draws every state, language, scheme and width there, to be looked at
 */
import { globSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { languages } from '../server/words/languages.ts'
import { type PageServer, startPageServer } from '../tests/browser/page-server.ts'
import { pageStates } from '../tests/browser/page-states.ts'
import { launchBrowser } from '../tests/fixtures/browser.ts'
import {
  digest,
  drawnIn,
  findStale,
  MANIFEST,
  PICTURES,
  type Picture,
  pictures,
  readManifest,
  sourcesOf,
} from './pictures.ts'

/** A phone, a tablet and a desk; the last again at 200 %, which halves its CSS pixels. */
const WINDOWS = [
  { called: '360', width: 360, height: 740, zoom: 1 },
  { called: '768', width: 768, height: 740, zoom: 1 },
  { called: '1440', width: 1440, height: 900, zoom: 1 },
  { called: '1440at200', width: 720, height: 450, zoom: 2 },
] as const

interface Shot extends Picture {
  readonly zoom?: number
}

const everything = (): readonly Shot[] =>
  pageStates.flatMap(state =>
    languages.flatMap(language =>
      (['light', 'dark'] as const).flatMap(scheme =>
        WINDOWS.map(({ called, ...window }) => ({
          ...window,
          file: `${state.name}.${language}.${scheme}.${called}.png`,
          state,
          language,
          scheme,
        })),
      ),
    ),
  )

async function draw(browser: Browser, server: PageServer, shot: Shot, folder: string): Promise<void> {
  const page = await browser.newPage({
    viewport: { width: shot.width, height: shot.height },
    deviceScaleFactor: shot.zoom ?? 1,
    colorScheme: shot.scheme,
    reducedMotion: 'reduce',
  })
  try {
    const response = await page.goto(server.urlOf(shot.state, shot.language))
    if (!response?.ok()) throw new Error(`${shot.state.name} is not a page: ${await response?.text()}`)
    if (shot.state.typed !== undefined) await type(page, shot.state.typed)
    // A blinking caret would make every run another picture.
    await page.screenshot({ path: join(folder, shot.file), fullPage: true, caret: 'hide' })
  } finally {
    await page.close()
  }
}

/** Waits for what the page has to say of it. */
async function type(page: Page, text: string): Promise<void> {
  await page.locator('#password').fill(text)
  const meter = page.locator('#password-strength')
  if ((await meter.count()) > 0) await meter.waitFor({ state: 'visible' })
}

async function drawAll(list: readonly Shot[], folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const server = await startPageServer()
  const browser = await launchBrowser()
  try {
    for (const shot of list) await draw(browser, server, shot, folder)
  } finally {
    await browser.close()
    await server.close()
  }
}

/** Draws what is stale, and removes what nothing shows any more. */
async function renew(): Promise<void> {
  const sources = await sourcesOf(pictures())
  const stale = findStale(sources, readManifest(), drawnIn(PICTURES))
  const wanted = pictures().filter(({ file }) => stale.has(file))
  if (wanted.length > 0) await drawAll(wanted, fileURLToPath(PICTURES))
  for (const file of globSync('*.png', { cwd: PICTURES })) if (!sources.has(file)) await rm(new URL(file, PICTURES))
  const entries = [...sources].map(async ([file, from]) => {
    const is = digest(await readFile(new URL(file, PICTURES)))
    return [file, { from, is }] as const
  })
  await writeFile(MANIFEST, `${JSON.stringify(Object.fromEntries(await Promise.all(entries)), null, 2)}\n`)
  console.log(`${wanted.length} of ${sources.size} pictures were drawn anew.`)
}

const [, , folder, part = ''] = process.argv
if (folder === undefined) await renew()
else {
  const shots = everything().filter(({ file }) => file.includes(part))
  await drawAll(shots, folder)
  console.log(`${shots.length} pictures in ${folder}`)
}
