/** What `docs/` shows of the hosted pages: which states, in which light, and the sentence that stands beside them. */
import type { Language } from '../server/words/languages.ts'

export interface Look {
  /** What a reader is told of it. */
  readonly title: string
  /** In the name of the picture's file. */
  readonly suffix: string
  readonly language: Language
  readonly scheme: 'light' | 'dark'
  /** Of the window, in CSS pixels. */
  readonly width: number
  readonly height: number
}

export interface Exhibit {
  /** What the names of its pictures begin with. */
  readonly name: string
  readonly title: string
  readonly sentence: string
  /** One of `tests/browser/page-states.ts`. */
  readonly state: string
  readonly looks: readonly Look[]
}

const light: Look = { title: 'light', suffix: '', language: 'en', scheme: 'light', width: 768, height: 720 }
const dark: Look = { ...light, title: 'dark', suffix: '.dark', scheme: 'dark' }
const phone: Look = { ...light, title: 'phone', suffix: '.phone', width: 360 }
const korean: Look = { ...light, title: 'Korean', suffix: '.ko', language: 'ko' }
const night: Look = { ...phone, title: 'Korean, phone, dark', suffix: '.ko.phone.dark', language: 'ko', scheme: 'dark' }

const EVERYWHERE = [light, dark, phone, korean]
const TWICE = [light, night]

/** A page, as most people meet it. */
const page = (name: string, title: string, sentence: string, state = name): Exhibit => ({
  name,
  title,
  sentence,
  state,
  looks: EVERYWHERE,
})

/** Something that happens on a page, or to somebody on the way to it. */
const moment = (name: string, title: string, sentence: string, state = name): Exhibit => ({
  name,
  title,
  sentence,
  state,
  looks: TWICE,
})

export const exhibits: readonly Exhibit[] = [
  page(
    'sign-in',
    'Sign in',
    'The application’s name and logo lead. The address is there already when the application knows it.',
    'sign-in-known-address',
  ),
  page(
    'sign-up',
    'Sign up',
    'With JavaScript, a new password is judged while it is typed, in the browser and by the rule that the server applies.',
    'sign-up-typed-strong',
  ),
  page(
    'forgot-password',
    'Forgotten password',
    'The answer is the same for every address, whether it has an account or not.',
  ),
  page('reset-password', 'A new password', 'Where a mailed link leads. Opening it spends nothing.'),
  page('verify-email', 'Confirm an address', 'Mail scanners open links; only the button confirms.'),
  page('consent', 'Consent', 'What somebody else’s application will see and may do, in sentences.'),
  page('choose-account', 'Choose an account', 'Several people, or one person’s several accounts, in one browser.'),
  page('name-organization', 'Name an organization', 'Where an application leaves it to the person which one it is.'),
  page('choose-organization', 'Choose an organization', 'After signing in, among those that they belong to.'),
  page('account', 'Your account', 'Where somebody is signed in and what they allowed; each can be ended there.'),
  page('sign-out', 'Sign out', 'Asked only where nothing proves that the person wanted it.'),
  page('signed-out', 'Signed out', 'With a way back, when the application gave one.', 'signed-out-of'),

  moment(
    'sign-in-organization',
    'For an organization',
    'Its name, logo and colour lead, and the application is named in the sentence.',
  ),
  moment(
    'wrong-password',
    'A wrong password',
    'The same words, at the same cost, for an account that does not exist.',
    'sign-in-wrong_credentials',
  ),
  moment('blocked', 'A blocked account', 'Said only to whoever has its password.', 'sign-in-blocked'),
  moment('slowed-down', 'Too many attempts', 'Nothing that was typed is lost.', 'sign-in-busy'),
  moment(
    'held-up',
    'Too many wrong passwords',
    'Of others too; a browser that the account was used in before goes on as always.',
    'sign-in-held',
  ),
  moment(
    'confirm-elsewhere',
    'Confirm an address in another browser',
    'Whoever reads the mail need not have made the account.',
    'verify-email-elsewhere',
  ),
  moment(
    'common-password',
    'A password that everybody tries first',
    'No mixture of characters is demanded; what is guessed first is refused.',
    'sign-up-password_common',
  ),
  moment(
    'weak-password',
    'Not yet good enough',
    'The reason stands there before anything is sent.',
    'sign-up-typed-own-data',
  ),
  moment('reset-sent', 'Look into your mail', 'Said to everybody who asks.', 'notice-reset-sent'),
  moment('reset-over', 'An expired link', 'The way to a new one stands beside it.', 'notice-reset-over'),
  moment('reset-used', 'A link that was used', 'Said only to whoever holds it.', 'notice-reset-used'),
  moment('expired', 'An expired or used address', 'The way to go on is the application.', 'error-start_again'),
  moment(
    'unknown-client',
    'An application nobody knows',
    'Details for whoever builds it; nobody is redirected.',
    'error-unknown_client',
  ),
  moment('server-busy', 'A server without a moment', 'Also shown while the database is away.', 'error-busy'),
  moment('long-name', 'A very long name', 'Nothing is cut off, nothing scrolls sideways.', 'names-long-consent'),
  moment('hebrew-name', 'A name from right to left', 'Kept apart from the words around it.', 'names-hebrew-sign-in'),
]
