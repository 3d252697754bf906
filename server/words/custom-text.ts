/**
 * Words of a tenant's own in the place of the catalogue's: which of Auth0's texts, named by prompt, screen and key, stand
 * where on our pages. Where our pages say the same thing, a text is said; every other one is for whoever reads it back.
 * A text is plain: it is escaped like any word, and only the variables of its place are filled in.
 */
import type { Catalogue } from './catalogue.ts'

/** By prompt, screen and key: `login`, `login`, `title`. */
export type PromptTexts = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, string>>>>>>

/** Where in the catalogue, and by which names the text knows what stands in the sentence there. */
type Place = string | readonly [string, ...string[]]
type Screen = Readonly<Record<string, Place>>

const PASSWORD_PROBLEMS: Screen = {
  'password-too-weak': 'newPassword.problems.password_predictable.what',
  'password-too-common': 'newPassword.problems.password_common.what',
  'password-contains-user-information': 'newPassword.problems.password_own_data.what',
}
const SHOWN: Screen = { showPasswordText: 'fields.showPassword', hidePasswordText: 'fields.hidePassword' }
const FIELDS: Screen = { emailPlaceholder: 'fields.email', passwordPlaceholder: 'fields.password', ...SHOWN }

/** By our page, then by prompt and screen. `pageTitle`, of any screen, is what the window is called. */
const PAGES: Readonly<Record<string, Readonly<Record<string, Screen>>>> = {
  'sign-in': {
    'login/login': {
      title: 'signIn.title',
      description: ['signIn.lead', 'clientName'],
      buttonText: 'signIn.act',
      footerText: 'signIn.newHere',
      signupActionText: 'signIn.newHere',
      footerLinkText: 'signIn.createAccount',
      signupActionLinkText: 'signIn.createAccount',
      forgotPasswordText: 'signIn.forgotten',
      usernamePlaceholder: 'fields.email',
      ...FIELDS,
      'wrong-credentials': 'signIn.problems.wrong_credentials.what',
      'wrong-email-credentials': 'signIn.problems.wrong_credentials.what',
      'no-email': 'signIn.problems.missing_email.what',
      'no-password': 'signIn.problems.missing_password.what',
      'user-blocked': 'signIn.problems.blocked.what',
      'too-many-failures': 'signIn.held.what',
      'ip-blocked': 'signIn.held.what',
    },
  },
  'sign-up': {
    'signup/signup': {
      title: 'signUp.title',
      description: ['signUp.lead', 'clientName'],
      buttonText: 'signUp.act',
      loginActionText: 'signUp.haveAccount',
      loginActionLinkText: 'signUp.signIn',
      passwordSecurityText: ['newPassword.hint', 'minLength'],
      ...FIELDS,
      'email-in-use': 'signUp.problems.address_taken.what',
      'user-already-exists': 'signUp.problems.address_taken.what',
      'invalid-email-format': 'signUp.problems.address_invalid.what',
      'no-email': 'signUp.problems.address_invalid.what',
      'ip-signup-blocked': 'signUp.problems.busy.what',
      ...PASSWORD_PROBLEMS,
    },
  },
  'forgot-password': {
    'reset-password/reset-password-request': {
      title: 'forgotPassword.title',
      descriptionEmail: 'forgotPassword.lead',
      buttonText: 'forgotPassword.act',
      backToLoginLinkText: 'forgotPassword.signIn',
      placeholderEmail: 'fields.email',
      'invalid-email-format': 'signUp.problems.address_invalid.what',
    },
  },
  'reset-password': {
    'reset-password/reset-password': {
      title: 'resetPassword.title',
      description: ['resetPassword.lead', 'email'],
      buttonText: 'resetPassword.act',
      passwordPlaceholder: 'fields.password',
      passwordSecurityText: ['newPassword.hint', 'minLength'],
      ...SHOWN,
      ...PASSWORD_PROBLEMS,
    },
  },
  'verify-email': {
    'email-verification/email-verification-confirmation': {
      title: 'verifyEmail.title',
      description: ['verifyEmail.lead', 'email'],
      buttonText: 'verifyEmail.act',
    },
  },
  notice: {
    'reset-password/reset-password-email': {
      title: 'notices.resetSent.title',
      emailDescription: ['notices.resetSent.lead', 'email'],
    },
    'reset-password/reset-password-success': {
      eventTitle: 'notices.passwordChanged.title',
      description: 'notices.passwordChanged.lead',
      buttonText: ['notices.passwordChanged.act', 'clientName'],
    },
    'reset-password/reset-password-error': {
      eventTitleExpired: 'notices.resetOver.title',
      descriptionExpired: ['notices.resetOver.lead', 'duration'],
      eventTitleUsed: 'notices.resetUsed.title',
      descriptionUsed: 'notices.resetUsed.lead',
    },
    'email-verification/email-verification-result': {
      verifiedTitle: 'notices.confirmed.title',
      verifiedDescription: 'notices.confirmed.lead',
      errorTitle: 'notices.verificationOver.title',
      invalidAccountOrCodeDescription: 'notices.verificationOver.lead',
    },
  },
  'name-organization': {
    'organizations/organization-selection': {
      title: 'nameOrganization.title',
      description: ['nameOrganization.lead', 'clientName'],
      organizationNamePlaceholder: 'nameOrganization.label',
      buttonText: 'nameOrganization.act',
      'organization-not-found': 'nameOrganization.problems.unknown.what',
    },
  },
  'choose-organization': {
    'organizations/organization-picker': {
      title: 'chooseOrganization.title',
      description: ['chooseOrganization.lead', 'clientName'],
      personalAccountText: 'chooseOrganization.none',
    },
  },
  consent: {
    'consent/consent': {
      title: ['consent.heading', 'clientName'],
      messageSingleTenant: 'consent.lead',
      acceptButtonText: 'consent.allow',
      declineButtonText: 'consent.refuse',
    },
  },
  'sign-out': {
    'logout/logout': {
      title: ['signOut.heading', 'companyName'],
      description: 'signOut.lead',
      acceptButtonText: 'signOut.act',
      declineButtonText: 'signOut.stay',
    },
  },
  'signed-out': {
    'logout/logout-complete': {
      title: 'signedOut.title',
      eventTitle: 'signedOut.title',
      description: 'signedOut.lead',
      buttonText: ['signedOut.backTo', 'clientName'],
    },
  },
}

/** Nobody reads a longer one on a page. */
const LONGEST_SHOWN = 1000
/** Control characters, and those that turn the direction of the text after them (Unicode UAX #9 §2). */
const INVISIBLE = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu

/** What every text may say: `clientName`, `companyName`, `supportEmail`, … */
export type TextVariables = Readonly<Record<string, string>>

/** The catalogue as one page of ours says it, and what its window is called, where somebody says. */
export function wordsWith(
  words: Catalogue,
  page: string,
  texts: PromptTexts,
  variables: TextVariables,
): { readonly words: Catalogue; readonly pageTitle: string | null } {
  let own: object = words
  let pageTitle: string | null = null
  for (const [place, screen] of Object.entries(Object.hasOwn(PAGES, page) ? (PAGES[page] ?? {}) : {})) {
    const [prompt = '', name = ''] = place.split('/')
    const said = ownMember(ownMember(texts, prompt), name)
    if (said === undefined) continue
    for (const [key, where] of Object.entries(screen)) {
      const text = ownMember(said, key)
      if (text === undefined || text.trim() === '') continue
      const [path, ...names] = typeof where === 'string' ? [where] : where
      own = withText(own, path.split('.'), names, text, variables)
    }
    const title = ownMember(said, 'pageTitle')
    if (title !== undefined && page !== 'notice') pageTitle = filled(title, variables)
  }
  return { words: own as Catalogue, pageTitle }
}

/** Every place there is: for the test that looks whether the catalogue has it. */
export const textPlaces = (): readonly { readonly path: string; readonly names: readonly string[] }[] =>
  Object.values(PAGES).flatMap(screens =>
    Object.values(screens).flatMap(screen =>
      Object.values(screen).map(place => {
        const [path, ...names] = typeof place === 'string' ? [place] : place
        return { path, names }
      }),
    ),
  )

/** A name such as `constructor` is nobody's text. */
const ownMember = <T>(members: Readonly<Record<string, T>> | undefined, name: string): T | undefined =>
  members !== undefined && Object.hasOwn(members, name) ? members[name] : undefined

function withText(
  words: object,
  [name = '', ...rest]: readonly string[],
  names: readonly string[],
  text: string,
  variables: TextVariables,
): object {
  const before = (words as Readonly<Record<string, unknown>>)[name]
  if (rest.length > 0) return { ...words, [name]: withText(before as object, rest, names, text, variables) }
  if (typeof before !== 'function') return { ...words, [name]: filled(text, variables) }
  const said = (...given: readonly unknown[]) =>
    filled(text, { ...variables, ...Object.fromEntries(names.map((one, index) => [one, String(given[index])])) })
  return { ...words, [name]: said }
}

/** Both of Auth0's spellings. A variable that the place does not have is left out, as nobody should read its name. */
const filled = (text: string, variables: TextVariables): string =>
  text
    .replace(INVISIBLE, ' ')
    .slice(0, LONGEST_SHOWN)
    .replace(/[$%]\{([A-Za-z]{1,40})\}/g, (_all, name: string) => ownMember(variables, name) ?? '')
    .trim()
