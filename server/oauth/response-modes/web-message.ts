/**
 * `response_mode=web_message` (draft-sakimura-oauth-wmrm): a page that posts the answer to the window that
 * opened or framed it, and to the redirect URI's origin alone. Silent sign-in and popups of Auth0's SDKs wait
 * for it, so this page may be framed and must not be cut from its opener; it holds nothing to click.
 */
import { html } from '../../http/route.ts'
import { randomSecret } from '../../kernel/secrets.ts'
import { originOf } from '../../kernel/url.ts'
import type { ResponseMode } from './response-mode.ts'

export const webMessage: ResponseMode = {
  name: 'web_message',
  needsWebPage: true,
  staysInBrowser: true,
  carriesTokens: true,
  answer: (redirectUri, members) => {
    const nonce = randomSecret()
    const message = inScript({ type: 'authorization_response', response: members })
    const target = inScript(originOf(redirectUri))
    const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>…</title><script nonce="${nonce}">(window.opener || window.parent).postMessage(${message}, ${target})</script></html>`
    return html(200, page, {
      // Without `frame-ancestors`: whoever frames it, only the registered origin can read the message.
      'content-security-policy': `default-src 'none'; script-src 'nonce-${nonce}'; base-uri 'none'; form-action 'none'`,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    })
  },
}

/** JSON that cannot end the script it stands in, whatever a client sent as `state`. */
const inScript = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
