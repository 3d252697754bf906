/**
 * The pages' own files: a fixed list, read once when the first page or file is asked for. What a request names
 * is looked up in memory and never becomes a path.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What is served, by the names the templates use. */
const FILES = {
  'latchkey.css': 'text/css; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml',
} as const

type AssetFile = keyof typeof FILES

/** A file as it is answered. Its name holds a digest of its bytes, so it may be cached for good. */
export interface Asset {
  readonly body: Buffer
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
  let read: { names: Map<AssetFile, string>; assets: Map<string, Asset> } | undefined
  const all = () => {
    read ??= readAssets(folder)
    return read
  }

  return {
    url: file => `${ASSETS_PATH}${all().names.get(file)}`,
    find: name => all().assets.get(name),
  }
}

function readAssets(folder: string) {
  const names = new Map<AssetFile, string>()
  const assets = new Map<string, Asset>()
  for (const [file, contentType] of Object.entries(FILES) as [AssetFile, string][]) {
    const body = readFileSync(join(folder, file))
    const digest = createHash('sha256').update(body).digest('base64url').slice(0, 16)
    const name = file.replace('.', `.${digest}.`)
    names.set(file, name)
    assets.set(name, {
      body,
      contentType,
      etag: `"${digest}"`,
      cacheControl: `public, max-age=${ONE_YEAR_SECONDS}, immutable`,
    })
  }
  return { names, assets }
}
