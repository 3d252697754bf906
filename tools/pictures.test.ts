import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createPages, type Pages } from '../server/http/pages.ts'
import { exhibits } from './exhibits.ts'
import { findStale, type Picture, pictures, sourceOf, stateNamed } from './pictures.ts'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-pictures-'))
after(() => rmSync(folder, { recursive: true }))

let copies = 0
/** The pages with one file changed. */
function pagesWith(file: string, addition: string): Pages {
  const copy = join(folder, String(++copies))
  cpSync(fileURLToPath(new URL('../server/login', import.meta.url)), copy, { recursive: true })
  const place = join(copy, file)
  writeFileSync(place, readFileSync(place, 'utf8') + addition)
  return createPages({ templates: join(copy, 'pages'), assets: join(copy, 'assets') })
}

describe('what a picture is drawn from', () => {
  const picture: Picture = {
    file: 'sign-up.png',
    state: stateNamed('sign-up'),
    language: 'en',
    scheme: 'light',
    width: 768,
    height: 720,
  }
  const asItIs = () => sourceOf(picture, pagesWith('pages/layout.liquid', ''))

  it('is the same however often it is looked at', async () => assert.equal(await asItIs(), await asItIs()))

  for (const [file, addition] of [
    ['assets/latchkey.css', '\nh1 { color: red }'],
    ['assets/page.js', '\n// another script'],
    ['assets/strength.js', '\n// another script'],
    ['pages/layout.liquid', '<!-- another page -->'],
    ['pages/password.liquid', '<!-- another field -->'],
  ] as const)
    it(`is another when ${file} is`, async () =>
      assert.notEqual(await sourceOf(picture, pagesWith(file, addition)), await asItIs()))

  it('is the same when only another page changes', async () =>
    assert.equal(await sourceOf(picture, pagesWith('pages/consent.liquid', 'another page')), await asItIs()))

  for (const [what, change] of Object.entries({
    language: { language: 'ko' },
    scheme: { scheme: 'dark' },
    width: { width: 360 },
    'what is typed': { state: { ...picture.state, typed: 'tea' } },
    state: { state: stateNamed('sign-up-busy') },
  } satisfies Record<string, Partial<Picture>>))
    it(`is another with another ${what}`, async () =>
      assert.notEqual(await sourceOf({ ...picture, ...change }, pagesWith('pages/layout.liquid', '')), await asItIs()))
})

describe('a picture', () => {
  const sources = new Map([['a.png', 'page 1']])
  const manifest = { 'a.png': { from: 'page 1', is: 'bytes 1' } }
  const drawn = new Map([['a.png', 'bytes 1']])
  const stale = (...given: Parameters<typeof findStale>) => Object.fromEntries(findStale(...given))

  it('is true while its page is the one it was drawn from', () => assert.deepEqual(stale(sources, manifest, drawn), {}))
  it('is stale once its page is another', () =>
    assert.deepEqual(stale(new Map([['a.png', 'page 2']]), manifest, drawn), { 'a.png': 'shows the page as it was' }))
  it('is missed', () => {
    assert.deepEqual(stale(sources, manifest, new Map()), { 'a.png': 'was never drawn' })
    assert.deepEqual(stale(sources, {}, drawn), { 'a.png': 'was never drawn' })
  })
  it('cannot be put in the place of one that was drawn', () =>
    assert.deepEqual(stale(sources, manifest, new Map([['a.png', 'bytes 2']])), {
      'a.png': 'is not the picture that was drawn',
    }))
  it('of nothing that is shown is in the way', () => {
    const why = 'shows nothing that docs/ speaks of'
    assert.deepEqual(stale(new Map(), manifest, drawn), { 'a.png': why })
    assert.deepEqual(stale(sources, { ...manifest, 'b.png': { from: '', is: '' } }, drawn), { 'b.png': why })
  })
})

describe('the exhibits', () => {
  it('are drawn each to a file of its own, from a state that there is', () => {
    const files = pictures().map(({ file }) => file)
    assert.equal(new Set(files).size, files.length)
    assert.equal(new Set(exhibits.map(({ name }) => name)).size, exhibits.length)
  })
})
