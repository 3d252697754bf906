/**
 * The same application with Auth0's Lock, unmodified: people sign in and sign up in a box on this page, and the password
 * goes from here to the identity server. Nothing else of the application is on it.
 */

/** @param {string} id */
const place = id => /** @type {HTMLElement} */ (document.getElementById(id))
/** @param {string} text */
const say = text => {
  place('status').textContent = text
}

const { issuer, lockClientId } = await (await fetch('/config.json')).json()
const { host, origin, protocol } = new URL(issuer)

if (protocol === 'https:') await showLock()
else say('Lock speaks HTTPS alone. Start with LATCHKEY_TLS=auto and an https issuer to see it here.')

async function showLock() {
  const { Auth0Lock } = await import('./vendor/auth0-lock.js')
  const lock = new Auth0Lock(lockClientId, host, {
    container: 'lock',
    language: 'en',
    // Nothing is loaded from anywhere else: without its file of words Lock has its own, and without pictures none.
    languageBaseUrl: origin,
    avatar: null,
    rememberLastLogin: false,
    theme: { logo: '/icon.svg', primaryColor: '#1f5d4c' },
    languageDictionary: { title: '24-Hour Video' },
    auth: {
      redirectUrl: `${window.location.origin}/lock.html`,
      responseType: 'token id_token',
      params: { scope: 'openid profile email' },
    },
  })
  lock.on('authenticated', ({ idTokenPayload }) => {
    // The tokens are in the address.
    window.history.replaceState(null, '', window.location.pathname)
    lock.hide()
    say(`Signed in as ${idTokenPayload.email}.`)
  })
  const isAnswered = /access_token|error=/.test(window.location.hash)
  lock.on('authorization_error', ({ error, description }) => {
    // Of what somebody does in the box, it tells itself.
    if (isAnswered) place('problem').textContent = `${error}: ${typeof description === 'string' ? description : ''}`
  })
  if (!isAnswered) lock.show()
}

export {}
