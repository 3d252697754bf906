/** Who is signed in. The only file that talks to the SDK, which is Auth0's for single-page apps, unmodified. */

import { Auth0Client, GenericError, PopupCancelledError } from './vendor/auth0-spa-js.js'

/**
 * @typedef {object} Account
 * @property {import('./vendor/auth0-spa-js.js').User | undefined} user
 * @property {Error | undefined} problem why the sign-in just tried did not work
 * @property {(language: string, wishes?: Wishes) => Promise<void>} signIn leaves the page
 * @property {(language: string) => Promise<void>} signInByWindow in a small window, while this page stays
 * @property {() => Promise<void>} signOut leaves the page
 * @property {() => Promise<string>} token an access token for the API
 * @property {() => Promise<string>} freshToken one that was not there before
 * @property {(error: unknown) => boolean} isOver whether a token was refused because nobody is signed in any more
 * @property {() => Promise<void>} forget that somebody was signed in here, and stays on the page
 * @property {string} page where people manage the account itself
 */

/** How the identity server, or the SDK in its place, says that there is no session and no refresh token that counts. */
const OVER = new Set([
  'login_required',
  'invalid_grant',
  'missing_refresh_token',
  'consent_required',
  'interaction_required',
])

/** @typedef {{ screen_hint?: 'signup', prompt?: 'login' | 'select_account' }} Wishes how to be asked, in OpenID Connect's words */

/**
 * Finishes a sign-in that is coming back, or finds one that is still there.
 * @param {{ issuer: string, clientId: string, audience: string }} config
 * @returns {Promise<Account>}
 */
export async function openAccount({ issuer, clientId, audience }) {
  const home = `${window.location.origin}/`
  const client = new Auth0Client({
    // The SDK keeps a scheme that is given and adds the final slash itself.
    domain: issuer.replace(/\/$/, ''),
    clientId,
    useRefreshTokens: true,
    useRefreshTokensFallback: true,
    cacheLocation: 'memory',
    authorizationParams: {
      redirect_uri: home,
      audience,
      scope: 'openid profile email offline_access write:videos',
    },
  })

  const problem = await settle(client)
  /** @type {Account} */
  const account = {
    user: await client.getUser(),
    problem,
    page: `${issuer}account`,
    signIn: (language, wishes) =>
      client.loginWithRedirect({
        appState: { page: window.location.hash },
        authorizationParams: { ui_locales: language, ...wishes },
      }),
    async signInByWindow(language) {
      try {
        await client.loginWithPopup({ authorizationParams: { ui_locales: language } })
      } catch (error) {
        // Whoever closes the window changed their mind; nothing went wrong.
        if (!(error instanceof PopupCancelledError)) throw error
      }
      account.user = await client.getUser()
    },
    signOut: () => client.logout({ logoutParams: { returnTo: home } }),
    token: async () => given(await client.getTokenSilently()),
    freshToken: async () => given(await client.getTokenSilently({ cacheMode: 'off' })),
    // What comes from the network is a TypeError, and says nothing of anybody.
    isOver: error => error instanceof GenericError && OVER.has(error.error),
    async forget() {
      await client.logout({ openUrl: false })
      account.user = undefined
    },
  }
  return account
}

/** @param {Auth0Client} client @returns {Promise<Error | undefined>} */
async function settle(client) {
  const answer = new URLSearchParams(window.location.search)
  const isComingBack = answer.has('state') && (answer.has('code') || answer.has('error'))
  try {
    if (!isComingBack) {
      await client.checkSession()
      return undefined
    }
    const { appState } = await client.handleRedirectCallback()
    leaveCallback(appState?.page ?? '')
  } catch (error) {
    if (isComingBack) leaveCallback('')
    return error instanceof Error ? error : new Error(String(error))
  }
  return undefined
}

/** A code is good once: reloading the page must not present it again. @param {string} page */
const leaveCallback = page => window.history.replaceState(null, '', `/${page}`)

/** @param {string | undefined} token */
function given(token) {
  if (token === undefined) throw new Error('there is no token')
  return token
}
