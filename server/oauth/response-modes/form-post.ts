/**
 * `response_mode=form_post` (OAuth 2.0 Form Post Response Mode): a page whose form carries the answer to the redirect
 * URI, so that it stands in no URL, log or history. It sends itself; where scripts do not run, its button does.
 */
import { escapeHtml } from '../../http/escape-html.ts'
import { pageHeaders } from '../../http/pages.ts'
import { html } from '../../http/route.ts'
import { randomSecret } from '../../kernel/secrets.ts'
import type { ResponseMode } from './response-mode.ts'

export const formPost: ResponseMode = {
  name: 'form_post',
  needsWebPage: true,
  staysInBrowser: false,
  carriesTokens: true,
  async answer(redirectUri, members, language) {
    // Loaded with the first, as for any other page.
    const { wordsOf } = await import('../../words/catalogue.ts')
    const nonce = randomSecret()
    const { title, act } = wordsOf(language).formPost
    const fields = Object.entries(members)
      .map(([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`)
      .join('')
    // A script of its own and not `onload`, which the policy would not run.
    const page = `<!doctype html><html lang="${language}"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>${escapeHtml(title)}</title><form method="post" action="${escapeHtml(redirectUri)}">${fields}<noscript><button type="submit">${escapeHtml(act)}</button></noscript></form><script nonce="${nonce}">document.forms[0].submit()</script></html>`
    return html(200, page, pageHeaders({ nonce, formTargets: [redirectUri] }))
  },
}
