/** The few pages that the gateway shows itself: that a sign-in came to nothing, and whether to sign out. No script, nothing loaded. */
import { escapeHtml } from '../../../http/escape-html.ts'
import { pageHeaders } from '../../../http/pages.ts'
import { randomSecret } from '../../../kernel/secrets.ts'
import { wordsOf } from '../../../words/catalogue.ts'
import { chooseLanguage } from '../../../words/languages.ts'
import type { Arrival, OwnAnswer } from '../../exchange.ts'

export type EdgePage = keyof ReturnType<typeof wordsOf>['edge']

const STATUS: Readonly<Record<EdgePage, number>> = {
  over: 400,
  failed: 400,
  tooWeak: 403,
  elsewhere: 403,
  unavailable: 503,
  signOut: 200,
}

const RETRY_AFTER_SECONDS = 5

export interface ShowOptions {
  /** What its one button does. */
  readonly action: string
  readonly method?: 'get' | 'post'
  readonly cookies?: readonly string[]
  /** To which posting may lead, besides back here. */
  readonly formTargets?: readonly string[]
}

export function showPage(
  arrival: Arrival,
  page: EdgePage,
  { action, method = 'get', cookies = [], formTargets = [] }: ShowOptions,
): OwnAnswer {
  const language = chooseLanguage({ acceptLanguage: String(arrival.headers['accept-language'] ?? '') })
  const { title, lead, act } = wordsOf(language).edge[page]
  const nonce = randomSecret()
  const status = STATUS[page]
  // Not a form where nothing is sent: a link keeps its query.
  const [said, address] = [escapeHtml(act), escapeHtml(action)]
  const next =
    method === 'post'
      ? `<form method="post" action="${address}"><button>${said}</button></form>`
      : `<p><a href="${address}">${said}</a></p>`
  return {
    status,
    headers: {
      ...pageHeaders({ nonce, formTargets }),
      'content-type': 'text/html; charset=utf-8',
      ...(status === 503 && { 'retry-after': `${RETRY_AFTER_SECONDS}` }),
      ...(cookies.length > 0 && { 'set-cookie': cookies }),
    },
    body: `<!doctype html><html lang="${language}"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title><link rel="icon" href="data:,"><style nonce="${nonce}">${STYLE}</style>
<main><h1>${escapeHtml(title)}</h1><p>${escapeHtml(lead)}</p>${next}</main></html>`,
  }
}

const STYLE = `:root{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}
body{margin:0;display:grid;min-height:100vh;place-items:center}main{max-width:24rem;padding:1.5rem}
h1{font-size:1.375rem;line-height:1.25;text-wrap:balance}button,a{font:inherit}
button{padding:.5rem 1rem;border-radius:.375rem;border:1px solid;background:Canvas;color:CanvasText;cursor:pointer}`
