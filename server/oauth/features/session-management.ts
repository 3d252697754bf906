/**
 * Session management: an answer carries what lets the application notice, from a frame of ours and without asking the
 * server, that somebody signed in or out in this browser. The frame's script is `oauth/check-session.js`.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { html, isSecure } from '../../http/route.ts'
import { browserState, stateCookieName } from '../../identity/browsers.ts'
import { randomSecret } from '../../kernel/secrets.ts'
import { originOf } from '../../kernel/url.ts'
import { userinfoAudience } from '../../tokens/access-token.ts'
import type { Feature } from '../feature.ts'

const PATH = 'oidc/check-session'

export const sessionManagement: Feature = {
  name: 'session-management',
  spec: 'OpenID Connect Session Management 1.0',
  metadata: issuer => ({ check_session_iframe: `${issuer}${PATH}` }),
  steps: {
    'authorize.respond': ({ request, client, incoming, cookieScope, answer, cookies }) => {
      const { redirectUri, audiences } = request
      // An application without an origin has no page to frame ours.
      if (!/^https?:/.test(redirectUri) || !audiences[userinfoAudience(incoming.issuer)]?.includes('openid')) return
      const { state, cookies: made } = browserState(incoming, cookieScope)
      cookies.push(...made)
      answer['session_state'] = sessionState(client.id, originOf(redirectUri), state, randomSecret())
    },
  },
  routes: () => [
    {
      method: 'GET',
      path: `/${PATH}`,
      speaks: 'pages',
      answer: incoming => {
        const { body, policy } = frame(isSecure(incoming))
        return html(200, body, {
          // Without `frame-ancestors`: it is for every site's frames, and has nothing to click.
          'content-security-policy': policy,
          'x-content-type-options': 'nosniff',
          'referrer-policy': 'no-referrer',
          'cache-control': 'public, max-age=300',
        })
      },
    },
  ],
}

/** §3.2: made of what the frame will know, and a salt so that two answers have nothing in common. */
export const sessionState = (client: string, origin: string, state: string, salt: string): string =>
  `${createHash('sha256').update(`${client} ${origin} ${state} ${salt}`).digest('hex')}.${salt}`

interface Frame {
  readonly body: string
  readonly policy: string
}

/** By whether it is over https, where the cookie has another name. */
const frames = new Map<boolean, Frame>()

function frame(isOverHttps: boolean): Frame {
  const made = frames.get(isOverHttps) ?? makeFrame(isOverHttps)
  frames.set(isOverHttps, made)
  return made
}

/** The same for everybody, so its script is allowed by its digest and the page may be kept. */
function makeFrame(isOverHttps: boolean): Frame {
  const source = readFileSync(new URL('../check-session.js', import.meta.url), 'utf8')
  const script = `var stateCookie=${JSON.stringify(stateCookieName(isOverHttps))};\n${source}`
  const digest = createHash('sha256').update(script).digest('base64')
  return {
    body: `<!doctype html><html lang="en"><meta charset="utf-8"><title>…</title><script>${script}</script></html>`,
    policy: `default-src 'none'; script-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'`,
  }
}
