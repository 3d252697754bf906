/** Starts the page: finds out who is there, then shows what the address names, again whenever it or the language changes. */
import { openAccount } from './account.js'
import { openCatalogue } from './catalogue.js'
import { element } from './element.js'
import { homePage } from './home.js'
import { openLive } from './live.js'
import { portrait, profilePage } from './profile.js'
import { watchPage } from './watch.js'
import { keepLanguage, preferredLanguage, speak } from './words.js'

/**
 * What every page is given.
 * @typedef {object} Scope
 * @property {import('./account.js').Account} account
 * @property {import('./catalogue.js').Catalogue} catalogue
 * @property {import('./live.js').Live} live
 * @property {import('./words.js').Language} language
 * @property {(word: import('./words.js').Word) => string} say
 * @property {AbortSignal} leaving aborted when another page is shown
 * @property {() => Promise<void>} again shows the page anew, for whoever is there now
 * @property {() => Promise<void>} ended to be called when a token of whoever was signed in is refused for good
 * @property {(error: unknown) => void} fail says that something did not work
 */

/** @param {string} id */
const place = id => /** @type {HTMLElement} */ (document.getElementById(id))

let language = preferredLanguage()
let leave = new AbortController()
const config = await (await fetch('/config.json')).json()
const account = await openAccount(config)
const catalogue = openCatalogue(config.api)
const live = openLive(config.api, account, ended)

/** @param {Scope} scope @returns {Promise<HTMLElement>} */
function pageOf(scope) {
  const [, name, argument = ''] = window.location.hash.split('/')
  if (name === 'watch') return watchPage(scope, decodeURIComponent(argument))
  return name === 'profile' ? profilePage(scope) : homePage(scope)
}

/** @param {Scope} scope */
function accountBar({ say }) {
  const { user } = account
  const button = (
    /** @type {string} */ id,
    /** @type {string} */ className,
    /** @type {string} */ text,
    /** @type {() => Promise<void>} */ act,
  ) => {
    const made = element('button', { id, className, type: 'button' }, text)
    made.addEventListener('click', () => act().catch(fail))
    return made
  }
  if (!user)
    return [
      button('sign-up', 'quiet', say('signUp'), () => account.signIn(language, { screen_hint: 'signup' })),
      button('sign-in', 'primary', say('signIn'), () => account.signIn(language)),
    ]
  const name = element('span', { className: 'name' }, user.given_name ?? user.name ?? user.email ?? say('profile'))
  const profile = element('a', { id: 'profile', href: '#/profile', title: say('profile') }, portrait(user), name)
  return [profile, button('sign-out', 'quiet', say('signOut'), account.signOut)]
}

/** @param {unknown} error @param {import('./words.js').Word} [word] */
function fail(error, word = 'unavailable') {
  const detail = error instanceof Error ? error.message : String(error)
  place('problem').replaceChildren(element('b', {}, speak(language)(word)), ` ${detail}`)
}

/** They were signed out from elsewhere: the page says so, and offers to sign in. */
async function ended() {
  if (!account.user) return
  await account.forget()
  await show()
  const say = speak(language)
  const signIn = element('button', { id: 'sign-in-again', className: 'primary', type: 'button' }, say('signIn'))
  signIn.addEventListener('click', () => account.signIn(language).catch(fail))
  place('problem').replaceChildren(element('b', {}, say('signedOutElsewhere')), ' ', signIn)
}

async function show() {
  leave.abort()
  leave = new AbortController()
  const { signal: leaving } = leave
  /** @type {Scope} */
  const scope = { account, catalogue, live, language, say: speak(language), leaving, again: show, ended, fail }

  document.documentElement.lang = language
  for (const other of /** @type {const} */ (['en', 'ko']))
    place(`lang-${other}`).ariaPressed = String(other === language)
  place('account').replaceChildren(...accountBar(scope))
  place('account').ariaBusy = 'false'
  if (account.user) live.start()
  try {
    const page = await pageOf(scope)
    // A slow page must not cover the one that was asked for after it.
    if (!leaving.aborted) place('page').replaceChildren(page)
  } catch (error) {
    if (!leaving.aborted) fail(error)
  }
}

for (const choice of /** @type {const} */ (['en', 'ko']))
  place(`lang-${choice}`).addEventListener('click', () => {
    language = choice
    keepLanguage(choice)
    show()
  })
window.addEventListener('hashchange', () => {
  place('problem').replaceChildren()
  window.scrollTo(0, 0)
  show()
})

await show()
if (account.problem) fail(account.problem, 'signInFailed')
