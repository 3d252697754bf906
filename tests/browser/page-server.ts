/**
 * The hosted pages behind a real socket, with their real headers and files and nothing else of the server: what a
 * browser makes of them, content security policy included. Forms post to `/posted`, which answers with what it got.
 */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { ASSETS_PATH } from '../../server/http/page-assets.ts'
import { createPages, pageHeaders } from '../../server/http/pages.ts'
import { randomSecret } from '../../server/kernel/secrets.ts'
import { chooseLanguage } from '../../server/words/languages.ts'
import { frameOf, type PageState, pageStates } from './page-states.ts'

export interface PageServer {
  readonly origin: string
  /** Each form that was posted, in order: its body and the `Origin` it came with. */
  readonly posts: readonly { readonly body: string; readonly origin: string | undefined }[]
  /** The address of a state's page in a language. */
  urlOf(state: Pick<PageState, 'name'>, language: string): string
  close(): Promise<void>
}

const folder = (name: string) => fileURLToPath(new URL(`../../server/login/${name}`, import.meta.url))

export async function startPageServer(): Promise<PageServer> {
  const pages = createPages({ templates: folder('pages'), assets: folder('assets') })
  const posts: { body: string; origin: string | undefined }[] = []

  async function answer(request: IncomingMessage): Promise<{ status: number; headers: object; body: string | Buffer }> {
    const url = new URL(request.url ?? '/', 'http://localhost')
    const last = url.pathname.slice(url.pathname.lastIndexOf('/') + 1)

    if (request.method === 'POST') {
      posts.push({ body: await text(request), origin: request.headers.origin })
      await new Promise(resolve => setTimeout(resolve, Number(url.searchParams.get('delay') ?? 0)))
      return { status: 200, headers: { 'content-type': 'text/html' }, body: '<title>posted</title>' }
    }
    if (url.pathname.startsWith(ASSETS_PATH)) {
      const asset = pages.asset(last)
      if (asset) {
        const headers = { 'content-type': asset.contentType, 'cache-control': asset.cacheControl, etag: asset.etag }
        return { status: 200, headers, body: asset.body }
      }
    }
    const state = pageStates.find(each => each.name === last)
    if (!state) return { status: 404, headers: {}, body: '' }

    const nonce = randomSecret()
    const language = chooseLanguage({ chosen: url.searchParams.get('language') ?? '' })
    const [name, model] = state.show
    const body = await pages.render(name, model, frameOf(state, language, nonce))
    const headers = { ...pageHeaders({ nonce, formTargets: [] }), 'content-type': 'text/html; charset=utf-8' }
    return { status: 200, headers, body }
  }

  const server = createServer((request, response) => {
    answer(request).then(
      ({ status, headers, body }) => response.writeHead(status, { ...headers }).end(body),
      error => response.writeHead(500).end(String(error?.stack ?? error)),
    )
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`

  return {
    origin,
    posts,
    urlOf: (state, language) => `${origin}/${state.name}?language=${language}`,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
