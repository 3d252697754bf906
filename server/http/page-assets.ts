/**
 * The pages' own files, and those of the library they load: a fixed list, each read once when its URL or it itself is
 * asked for first. What a request names is looked up in memory and never becomes a path.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

/** What is served, by the names its URLs begin with; a file that lies in no folder of the pages says where it does. */
const FILES = {
  'latchkey.css': { type: 'text/css; charset=utf-8' },
  'page.js': { type: 'text/javascript; charset=utf-8' },
  'strength.js': { type: 'text/javascript; charset=utf-8' },
  'leaving.js': { type: 'text/javascript; charset=utf-8' },
  'icon.svg': { type: 'image/svg+xml' },
  'password-rule.js': {
    type: 'text/javascript; charset=utf-8',
    place: () => new URL('../policy/password-rule.js', import.meta.url),
  },
  'zxcvbn.js': { type: 'text/javascript; charset=utf-8', place: () => inBrowserBuild('@zxcvbn-ts/core') },
  'zxcvbn-list.js': {
    type: 'text/javascript; charset=utf-8',
    place: () => inBrowserBuild('@zxcvbn-ts/language-common'),
  },
} as const satisfies Readonly<Record<string, { readonly type: string; readonly place?: () => URL }>>

export type AssetFile = keyof typeof FILES

/** The library's build for a script element, beside the one that Node would import. */
const inBrowserBuild = (library: string): URL => new URL('./zxcvbn-ts.js', import.meta.resolve(library))

/** A file as it is answered. Its name holds a digest of its bytes, so it may be cached for good. */
export interface Asset {
  readonly body: Buffer
  /** The same for whoever takes gzip. */
  readonly gzipped: () => Buffer
  readonly contentType: string
  /** A strong entity tag with its quotes, RFC 9110 §8.8.3. */
  readonly etag: string
  readonly cacheControl: string
}

interface PageAssets {
  /** `/assets/latchkey.<digest>.css` */
  url(file: AssetFile): string
  /** By the last segment of its URL, as sent: `latchkey.<digest>.css`. */
  find(name: string): Asset | undefined
}

export const ASSETS_PATH = '/assets/'

const ONE_YEAR_SECONDS = 365 * 24 * 60 * 60

export function createPageAssets(folder: string): PageAssets {
  const known = new Map<string, { readonly name: string; readonly asset: Asset }>()

  function open(file: AssetFile) {
    const found = known.get(file) ?? readAsset(file, folder)
    known.set(file, found)
    return found
  }

  return {
    url: file => `${ASSETS_PATH}${open(file).name}`,
    find(name) {
      const file = name.replace(/\.[\w-]{16}\./, '.')
      if (!isAssetFile(file)) return undefined
      const found = open(file)
      return found.name === name ? found.asset : undefined
    },
  }
}

const isAssetFile = (name: string): name is AssetFile => Object.hasOwn(FILES, name)

function readAsset(file: AssetFile, folder: string) {
  const source: { readonly type: string; readonly place?: () => URL } = FILES[file]
  const body = readFileSync(source.place ? fileURLToPath(source.place()) : join(folder, file))
  const digest = createHash('sha256').update(body).digest('base64url').slice(0, 16)
  let gzipped: Buffer | undefined
  const asset: Asset = {
    body,
    gzipped: () => {
      gzipped ??= gzipSync(body)
      return gzipped
    },
    contentType: source.type,
    etag: `"${digest}"`,
    cacheControl: `public, max-age=${ONE_YEAR_SECONDS}, immutable`,
  }
  return { name: file.replace('.', `.${digest}.`), asset }
}
