/**
 * The files of the page: a fixed list, read once, so that no request ever names a path on the disk. Also the
 * headers that hold the page to what it needs.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'

export interface Asset {
  readonly type: string
  readonly etag: string
  readonly body: Buffer
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

const FILES = [
  'index.html',
  'lock.html',
  'style.css',
  'icon.svg',
  'app.js',
  'account.js',
  'catalogue.js',
  'colour.js',
  'element.js',
  'film.js',
  'home.js',
  'live.js',
  'lock.js',
  'profile.js',
  'scenes.js',
  'watch.js',
  'words.js',
]

/** As they are published: each is one file with everything it needs inside, so that the example needs no bundler. */
const VENDORS = {
  '/vendor/auth0-spa-js.js': new URL(import.meta.resolve('@auth0/auth0-spa-js/dist/auth0-spa-js.production.esm.js')),
  // Its package names no such file to others, and holds it.
  '/vendor/socket.io.js': new URL('dist/socket.io.esm.min.js', import.meta.resolve('socket.io-client/package.json')),
}

/** URL path → file. */
export async function readAssets(): Promise<ReadonlyMap<string, Asset>> {
  const sources: [string, URL][] = [
    ...FILES.map((name): [string, URL] => [`/${name}`, new URL(`public/${name}`, import.meta.url)]),
    ...Object.entries(VENDORS),
  ]
  const assets = new Map(await Promise.all(sources.map(async ([path, url]) => [path, await readAsset(url)] as const)))
  return assets.set('/', assets.get('/index.html') as Asset)
}

const readAsset = async (url: URL): Promise<Asset> => assetOf(url.pathname, await readFile(url))

const assetOf = (name: string, body: Buffer): Asset => ({
  type: TYPES[extname(name)] as string,
  etag: `"${createHash('sha256').update(body).digest('base64url')}"`,
  body,
})

export const LOCK_PAGE = '/lock.html'
export const LOCK_SCRIPT = '/vendor/auth0-lock.js'
let lock: Promise<Asset> | undefined

/** Made when it is first asked for: it takes a second or two, and most people never open its page. */
export function lockScript(): Promise<Asset> {
  lock ??= import('./lock-bundle.ts').then(async ({ bundleLock }) => assetOf(LOCK_SCRIPT, await bundleLock()))
  return lock
}

/**
 * The page talks to the issuer (tokens), frames it (silent sign-in), and asks the API at the gateway. The SDK keeps refresh tokens in a worker it
 * makes from a blob. Profile pictures come from anywhere.
 */
export function pageHeaders(issuer: string, api: string, { withLock = false } = {}): Readonly<Record<string, string>> {
  const { origin } = new URL(issuer)
  const edge = new URL(api).origin
  const policy = {
    'default-src': "'none'",
    // Lock loads what it is to show as a script of the issuer's, and writes its look into the page.
    'script-src': withLock ? `'self' ${origin}` : "'self'",
    'style-src': withLock ? "'self' 'unsafe-inline'" : "'self'",
    'img-src': `'self' data: https: ${origin}`,
    'connect-src': `'self' ${origin} ${edge} ${edge.replace(/^http/, 'ws')}`,
    'frame-src': origin,
    'worker-src': 'blob:',
    'form-action': "'none'",
    'base-uri': "'none'",
    'frame-ancestors': "'none'",
  }
  return {
    'content-security-policy': Object.entries(policy)
      .map(directive => directive.join(' '))
      .join('; '),
    'x-content-type-options': 'nosniff',
    // The address holds the code for a moment.
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-cache',
  }
}
