/**
 * Which pictures of the hosted pages `docs/` shows, and from what each is drawn. A picture is true while the page it
 * was drawn from is still the same; that is compared here without a browser, by digests that lie beside the pictures.
 * Drawing them is `screenshots.ts`'s, the page that shows them is printed by `generate.ts`.
 *
 *   node tools/pictures.ts    fails where a picture is missing, or shows what no longer is
 */
import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createPages, type Pages } from '../server/http/pages.ts'
import type { Language } from '../server/words/languages.ts'
import { frameOf, type PageState, pageStates } from '../tests/browser/page-states.ts'
import { type Exhibit, exhibits, type Look } from './exhibits.ts'

export const PICTURES = new URL('../docs/pictures/', import.meta.url)
export const MANIFEST = new URL('pictures.gen.json', PICTURES)

export interface Picture {
  readonly file: string
  readonly state: PageState
  readonly language: Language
  readonly scheme: 'light' | 'dark'
  /** Of the window, in CSS pixels; the picture is as high as the page. */
  readonly width: number
  readonly height: number
}

/** By file: what it was drawn from, and what it is, as digests. */
export type Manifest = Readonly<Record<string, { readonly from: string; readonly is: string }>>

export const fileOf = ({ name }: Exhibit, look: Look): string => `${name}${look.suffix}.png`

export const pictures = (): readonly Picture[] =>
  exhibits.flatMap(exhibit =>
    exhibit.looks.map(look => ({ ...look, file: fileOf(exhibit, look), state: stateNamed(exhibit.state) })),
  )

export function stateNamed(name: string): PageState {
  const state = pageStates.find(each => each.name === name)
  if (!state) throw new Error(`No page has a state "${name}": look for its new name in tests/browser/page-states.ts`)
  return state
}

export const digest = (bytes: string | Uint8Array): string =>
  createHash('sha256').update(bytes).digest('base64url').slice(0, 16)

/** Instead of one that is another each time. */
const NONCE = 'the-nonce-of-every-picture'

/** The page says the digests of its style sheet and scripts in their addresses, so that nothing else need be read. */
export async function sourceOf({ state, language, scheme, width, height }: Picture, pages: Pages): Promise<string> {
  const [name, model] = state.show
  const html = await pages.render(name, model, frameOf(state, language, NONCE))
  return digest(JSON.stringify([html, state.typed ?? '', scheme, width, height]))
}

export function openPages(): Pages {
  const folder = (name: string) => fileURLToPath(new URL(`../server/login/${name}`, import.meta.url))
  return createPages({ templates: folder('pages'), assets: folder('assets') })
}

export async function sourcesOf(list: readonly Picture[]): Promise<ReadonlyMap<string, string>> {
  const pages = openPages()
  const sources = new Map<string, string>()
  for (const picture of list) sources.set(picture.file, await sourceOf(picture, pages))
  return sources
}

/** The digests of the pictures that are there. */
export const drawnIn = (folder: URL): ReadonlyMap<string, string> =>
  new Map(globSync('*.png', { cwd: folder }).map(file => [file, digest(readFileSync(new URL(file, folder)))]))

export function readManifest(): Manifest {
  try {
    return JSON.parse(readFileSync(MANIFEST, 'utf8'))
  } catch {
    return {}
  }
}

/** What is wrong with each picture that is not to be shown as it is. */
export function findStale(
  sources: ReadonlyMap<string, string>,
  manifest: Manifest,
  drawn: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const stale = new Map<string, string>()
  for (const [file, from] of sources) {
    const entry = manifest[file]
    if (!entry || !drawn.has(file)) stale.set(file, 'was never drawn')
    else if (entry.from !== from) stale.set(file, 'shows the page as it was')
    else if (entry.is !== drawn.get(file)) stale.set(file, 'is not the picture that was drawn')
  }
  for (const file of [...drawn.keys(), ...Object.keys(manifest)])
    if (!sources.has(file)) stale.set(file, 'shows nothing that docs/ speaks of')
  return stale
}

if (import.meta.main) {
  const sources = await sourcesOf(pictures())
  const stale = findStale(sources, readManifest(), drawnIn(PICTURES))
  for (const [file, why] of stale) console.error(`docs/pictures/${file} ${why}: run \`npm run pictures\``)
  if (stale.size === 0) console.log(`Pictures: ${sources.size} show the pages as they are.`)
  process.exitCode = stale.size === 0 ? 0 : 1
}
