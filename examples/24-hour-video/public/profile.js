/** The profile: who the ID token says you are, and what the access token tells the films' server. */
import { isRefused } from './catalogue.js'
import { element, moment } from './element.js'

/** @param {import('./app.js').Scope} scope @returns {Promise<HTMLElement>} */
export async function profilePage(scope) {
  const { say, account } = scope
  if (!account.user) return element('p', { className: 'lead' }, say('needSignIn'))
  return element('div', { className: 'profile' }, person(scope, account.user), await accessCard(scope))
}

/**
 * A picture, or the first letter of the name where there is none or it does not load.
 * @param {import('./vendor/auth0-spa-js.js').User} user
 */
export function portrait(user) {
  const letter = element(
    'span',
    { className: 'letter', ariaHidden: 'true' },
    [...(user.name ?? user.email ?? '?')][0]?.toUpperCase() ?? '?',
  )
  const frame = element('span', { className: 'portrait' }, letter)
  if (!user.picture) return frame
  const picture = element('img', { src: user.picture, alt: '', referrerPolicy: 'no-referrer' })
  picture.addEventListener('load', () => letter.replaceWith(picture))
  return frame
}

/** @param {import('./app.js').Scope} scope @param {import('./vendor/auth0-spa-js.js').User} user */
function person(scope, user) {
  const { say } = scope
  const email =
    user.email && element('p', { id: 'profile-email' }, user.email, user.email_verified ? ` · ${say('verified')}` : '')
  return element(
    'section',
    { className: 'card person' },
    portrait(user),
    element(
      'div',
      {},
      element('h1', { id: 'profile-name' }, user.name ?? user.nickname ?? user.email ?? ''),
      email || undefined,
      accountActs(scope),
    ),
  )
}

/** @param {import('./app.js').Scope} scope */
function accountActs({ say, account, catalogue, language, ended, fail }) {
  /** @param {string} id @param {import('./words.js').Word} word @param {import('./account.js').Wishes} wishes */
  const button = (id, word, wishes) => {
    const made = element('button', { id, className: 'quiet', type: 'button' }, say(word))
    made.addEventListener('click', () => account.signIn(language, wishes).catch(fail))
    return made
  }
  const everywhere = element(
    'button',
    { id: 'sign-out-everywhere', className: 'quiet', type: 'button' },
    say('signOutEverywhere'),
  )
  everywhere.addEventListener('click', async () => {
    everywhere.disabled = true
    try {
      await catalogue.signOutEverywhere(await account.token())
      await account.signOut()
    } catch (error) {
      everywhere.disabled = false
      if (isRefused(error) || account.isOver(error)) await ended()
      else fail(error)
    }
  })
  return element(
    'div',
    { className: 'line' },
    button('another-account', 'anotherAccount', { prompt: 'select_account' }),
    button('confirm', 'confirm', { prompt: 'login' }),
    everywhere,
    element('a', { id: 'account-page', href: account.page }, say('accountPage')),
  )
}

/** @param {import('./app.js').Scope} scope */
async function accessCard({ say, language, account, catalogue, ended }) {
  const facts = element('dl', { id: 'access' })
  const outcome = element('p', { id: 'refresh-outcome', className: 'outcome', role: 'status' })
  const refresh = element('button', { id: 'refresh', className: 'quiet', type: 'button' }, say('refresh'))

  /** @param {string} token */
  async function show(token) {
    const { sub, scopes, issued_at, expires_at } = await catalogue.access(token)
    const rows = [
      [say('subject'), element('code', { id: 'token-subject' }, sub)],
      [say('scopes'), element('span', { id: 'token-scopes' }, scopes.join(' ') || say('noScopes'))],
      [say('issued'), moment(issued_at, language, 'token-issued')],
      [say('expires'), moment(expires_at, language, 'token-expires')],
    ]
    facts.replaceChildren(
      ...rows.map(([term, fact]) => element('div', {}, element('dt', {}, term), element('dd', {}, fact))),
    )
  }

  /** @param {() => Promise<string>} getToken @param {string} success */
  async function attempt(getToken, success) {
    refresh.disabled = true
    try {
      await show(await getToken())
      outcome.textContent = success
    } catch (error) {
      outcome.textContent = say('signInAgain')
      if (isRefused(error) || account.isOver(error)) await ended()
    } finally {
      refresh.disabled = false
    }
  }

  refresh.addEventListener('click', () => attempt(account.freshToken, say('refreshed')))
  await attempt(account.token, '')
  return element(
    'section',
    { className: 'card' },
    element('h2', {}, say('accessTitle')),
    element('p', { className: 'lead' }, say('accessLead')),
    facts,
    element('div', { className: 'line' }, refresh, outcome),
  )
}
