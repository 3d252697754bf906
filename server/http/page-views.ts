/**
 * What each hosted page is told, and which words it says: a model in, a view of plain text and attributes out.
 * Templates choose no words and make no decisions beyond leaving out what is null.
 */
import type { PageErrorCode } from '../kernel/errors.ts'
import type { PasswordPolicy } from '../policy/password-rule.js'
import type { Catalogue, Trouble } from '../words/catalogue.ts'
import { duration } from '../words/duration.ts'
import type { Language } from '../words/languages.ts'
import { isolatedName } from '../words/names.ts'
import { type AccountModel, accountView } from './account-view.ts'
import { type ChooseAccountModel, chooseAccountView } from './choose-account-view.ts'
import { type ConsentModel, consentView } from './consent-view.ts'
import { type NoticeModel, noticeView } from './notice-view.ts'
import {
  type ChooseOrganizationModel,
  chooseOrganizationView,
  type NameOrganizationModel,
  nameOrganizationView,
} from './organization-views.ts'
import { strengthView } from './strength-view.ts'

/** `held` says how long: `wait`. */
export type SignInProblem = keyof Catalogue['signIn']['problems'] | 'held'
export type ResetPasswordProblem = NewPasswordProblem | 'busy'
export type VerifyEmailProblem = 'wrong' | 'missing_password' | 'busy' | 'held'
export type NewPasswordProblem = keyof Catalogue['newPassword']['problems']
export type SignUpProblem = keyof Catalogue['signUp']['problems'] | NewPasswordProblem | 'held'

/** What a surface knows when it shows a page. Names and addresses are as stored: they are cleaned and escaped on the way out. */
export interface PageModels {
  /** Posts `username` and `password` to `action`. */
  readonly 'sign-in': {
    readonly action: string
    readonly application: string
    /** What was typed, or who is expected. */
    readonly email: string
    /** Whether people may have a username to sign in with. */
    readonly takesUsername?: boolean | undefined
    readonly problem?: SignInProblem | undefined
    /** In milliseconds. */
    readonly wait?: number | undefined
    /** Absent where people cannot make accounts themselves. */
    readonly signUpUrl?: string | undefined
    /** Where accounts of this browser could be chosen instead. */
    readonly accountsUrl?: string | undefined
    /** Where a new password can be had. */
    readonly forgotUrl?: string | undefined
  }
  /** Posts `email` to `action`. */
  readonly 'forgot-password': {
    readonly action: string
    readonly email: string
    readonly problem?: 'address_invalid' | undefined
    readonly signInUrl?: string | undefined
  }
  /** Posts `password` to `action`. */
  readonly 'reset-password': {
    readonly action: string
    /** Whose password it is. */
    readonly email: string
    /** Names that a guesser of it knows too. */
    readonly own: readonly string[]
    readonly problem?: ResetPasswordProblem | undefined
    readonly policy: PasswordPolicy
  }
  /** Posts the wish to `action`, with the account's `password` where the browser is not known to be its owner's. */
  readonly 'verify-email': {
    readonly action: string
    readonly email: string
    /** Given where the password is asked for. */
    readonly elsewhere?:
      | {
          readonly problem?: VerifyEmailProblem | undefined
          /** In milliseconds. */
          readonly wait?: number | undefined
          /** Left out where there is no account yet. */
          readonly forgotUrl?: string | undefined
        }
      | undefined
  }
  readonly notice: NoticeModel
  /** Posts `email` and `password` to `action`, and `username` where there is one. */
  readonly 'sign-up': {
    readonly action: string
    readonly application: string
    readonly email: string
    readonly problem?: SignUpProblem | undefined
    /** In milliseconds. */
    readonly wait?: number | undefined
    readonly policy: PasswordPolicy
    /** As typed, and how many characters it may have. */
    readonly username?: { readonly typed: string; readonly shortest: number; readonly longest: number } | undefined
    readonly signInUrl: string
  }
  readonly 'choose-account': ChooseAccountModel
  readonly 'name-organization': NameOrganizationModel
  readonly 'choose-organization': ChooseOrganizationModel
  readonly consent: ConsentModel
  readonly account: AccountModel
  /** Posts `fields` to `action`. */
  readonly 'sign-out': {
    readonly action: string
    /** The one that asks. */
    readonly application?: string | undefined
    readonly fields: readonly { readonly name: string; readonly value: string }[]
    readonly cancelUrl?: string | undefined
  }
  readonly 'signed-out': {
    /** In every browser, and nothing else is left either. */
    readonly everywhere?: boolean | undefined
    readonly application?: string | undefined
    readonly returnUrl?: string | undefined
  }
  readonly leaving: {
    /** Addresses of others, each with a frame. */
    readonly frames: readonly string[]
    readonly nextUrl: string
  }
  readonly error: {
    readonly code: PageErrorCode
    /** English, for the developer beside the person; never a secret. */
    readonly detail: string
    readonly requestId: string
  }
}

export type PageName = keyof PageModels

/** Every page has a title and a heading; the rest is the page's own. */
interface PageView {
  readonly title: string
  readonly heading: string
  readonly [member: string]: unknown
}

type ViewOf<N extends PageName> = (
  words: Catalogue,
  model: PageModels[N],
  tenant: string,
  language: Language,
) => PageView

/** For applications that are slow; most are done in one. */
const SECONDS_TO_LEAVE = 5

type Field = 'email' | 'username' | 'password'

/** The fields each problem is about. Focus goes to the first: the one to correct. */
const SIGN_IN_FIELDS: Readonly<Record<SignInProblem, readonly Field[]>> = {
  wrong_credentials: ['password', 'email'],
  wrong_name: ['password', 'email'],
  missing_name: ['email'],
  missing_email: ['email'],
  missing_password: ['password'],
  blocked: [],
  busy: [],
  held: [],
}

const SIGN_UP_FIELDS: Readonly<Record<Exclude<SignUpProblem, NewPasswordProblem>, readonly Field[]>> = {
  address_taken: ['email'],
  address_invalid: ['email'],
  not_invited: ['email'],
  not_open: [],
  username_invalid: ['username'],
  username_taken: ['username'],
  busy: [],
  held: [],
}

const views: { readonly [N in PageName]: ViewOf<N> } = {
  'sign-in': ({ signIn, fields }, model, _tenant, language) => {
    const { action, application, email, takesUsername, problem, wait, signUpUrl, accountsUrl, forgotUrl } = model
    const wrong = problem ? SIGN_IN_FIELDS[problem] : []
    const name = emailField(fields, email, wrong)
    return {
      title: signIn.title,
      heading: signIn.title,
      lead: signIn.lead(isolatedName(application)),
      problem: problem ? { ...signIn.problems, held: heldIn(signIn, wait, language) }[problem] : null,
      action,
      email: takesUsername ? { ...name, label: fields.emailOrUsername, isText: true } : name,
      password: passwordField(fields, email, wrong),
      forgotten: forgotUrl ? { text: signIn.forgotten, url: forgotUrl } : null,
      act: signIn.act,
      accounts: accountsUrl ? { text: signIn.signedInAlready, link: signIn.chooseAccount, url: accountsUrl } : null,
      foot: signUpUrl ? { text: signIn.newHere, link: signIn.createAccount, url: signUpUrl } : null,
    }
  },

  'sign-up': (words, model, tenant, language) => {
    const { action, application, email, problem, wait, policy, username, signInUrl } = model
    const { signIn, signUp, newPassword, fields } = words
    const wrong: readonly Field[] = !problem ? [] : isAboutPassword(problem) ? ['password'] : SIGN_UP_FIELDS[problem]
    return {
      title: signUp.title,
      heading: signUp.title,
      lead: signUp.lead(isolatedName(application)),
      problem: problem
        ? { ...signUp.problems, ...newPassword.problems, held: heldIn(signIn, wait, language) }[problem]
        : null,
      action,
      email: emailField(fields, email, wrong),
      username: username ? usernameField(fields, username, wrong) : null,
      password: {
        ...passwordField(fields, email, wrong, policyHint(newPassword, policy)),
        strength: strengthView(newPassword, [application, tenant], policy),
      },
      act: signUp.act,
      foot: { text: signUp.haveAccount, link: signUp.signIn, url: signInUrl },
    }
  },

  'forgot-password': ({ forgotPassword, signUp, fields }, { action, email, problem, signInUrl }) => ({
    title: forgotPassword.title,
    heading: forgotPassword.title,
    lead: forgotPassword.lead,
    problem: problem ? signUp.problems[problem] : null,
    action,
    // The only field there is.
    email: { ...emailField(fields, email, problem ? ['email'] : []), focus: true },
    act: forgotPassword.act,
    foot: signInUrl ? { text: forgotPassword.remembered, link: forgotPassword.signIn, url: signInUrl } : null,
  }),

  'reset-password': (words, { action, email, own, problem, policy }) => {
    const { resetPassword, newPassword, signUp, fields } = words
    const wrong: readonly Field[] = problem && isAboutPassword(problem) ? ['password'] : []
    return {
      title: resetPassword.title,
      heading: resetPassword.title,
      lead: resetPassword.lead(isolatedName(email)),
      problem: problem ? { busy: signUp.problems.busy, ...newPassword.problems }[problem] : null,
      action,
      address: email,
      password: {
        ...passwordField(fields, email, wrong, policyHint(newPassword, policy)),
        strength: strengthView(newPassword, own, policy),
      },
      act: resetPassword.act,
    }
  },

  'verify-email': ({ verifyEmail, signIn, fields }, { action, email, elsewhere }, _tenant, language) => {
    const { problem, wait } = elsewhere ?? {}
    const problems = { ...signIn.problems, wrong: verifyEmail.wrong, held: heldIn(signIn, wait, language) }
    const wrong: readonly Field[] = problem === 'wrong' || problem === 'missing_password' ? ['password'] : []
    return {
      title: verifyEmail.title,
      heading: verifyEmail.title,
      lead: (elsewhere ? verifyEmail.elsewhere : verifyEmail.lead)(isolatedName(email)),
      problem: problem ? problems[problem] : null,
      action,
      address: email,
      password: elsewhere ? passwordField(fields, email, wrong) : null,
      act: verifyEmail.act,
      foot:
        elsewhere?.forgotUrl === undefined
          ? null
          : { text: verifyEmail.notYours, link: verifyEmail.newPassword, url: elsewhere.forgotUrl },
    }
  },

  notice: (words, model, _tenant, language) => noticeView(words, model, language),

  'choose-account': ({ chooseAccount }, model) => chooseAccountView(chooseAccount, model),

  'name-organization': ({ nameOrganization }, model) => nameOrganizationView(nameOrganization, model),

  'choose-organization': ({ chooseOrganization }, model) => chooseOrganizationView(chooseOrganization, model),

  consent: ({ consent }, model) => consentView(consent, model),

  account: (words, model, _tenant, language) => accountView(words, model, language),

  'sign-out': ({ signOut }, { action, application, fields, cancelUrl }, tenant) => ({
    title: signOut.title,
    heading: signOut.heading(isolatedName(tenant)),
    lead: application && application !== tenant ? signOut.asked(isolatedName(application)) : signOut.lead,
    action,
    fields,
    act: signOut.act,
    stay: cancelUrl ? { text: signOut.stay, url: cancelUrl } : null,
  }),

  'signed-out': ({ signedOut }, { everywhere, application, returnUrl }) => {
    if (everywhere) return { ...signedOut.everywhere, heading: signedOut.everywhere.title, back: null }
    const name = application ? isolatedName(application) : null
    return {
      title: signedOut.title,
      heading: name ? signedOut.heading(name) : signedOut.title,
      lead: signedOut.lead,
      back: returnUrl ? { text: name ? signedOut.backTo(name) : signedOut.back, url: returnUrl } : null,
    }
  },

  leaving: ({ leaving }, { frames, nextUrl }) => ({
    title: leaving.title,
    heading: leaving.title,
    lead: leaving.lead,
    frames,
    seconds: SECONDS_TO_LEAVE,
    next: { text: leaving.next, url: nextUrl },
  }),

  error: ({ error }, { code, detail, requestId }) => {
    const { what, next }: Trouble = error.causes[code]
    return {
      title: what,
      heading: what,
      lead: next,
      forDevelopers: error.forDevelopers,
      facts: [
        { name: error.code, value: code },
        { name: error.detail, value: detail },
        { name: error.request, value: requestId },
      ],
    }
  },
}

/** `tenant` is the name whose sign-in this is. */
export const viewOf = <N extends PageName>(
  name: N,
  words: Catalogue,
  model: PageModels[N],
  tenant: string,
  language: Language,
): PageView => views[name](words, model, tenant, language)

function emailField(words: Catalogue['fields'], value: string, wrong: readonly Field[]) {
  const state = { ...stateOf('email', value, wrong), describedBy: describedBy('email', wrong) }
  // What may be typed besides an address is no address to the browser.
  return { label: words.email, value, isText: false, ...state }
}

function usernameField(
  words: Catalogue['fields'],
  { typed, shortest, longest }: NonNullable<PageModels['sign-up']['username']>,
  wrong: readonly Field[],
) {
  const length = shortest === longest ? String(longest) : `${shortest}–${longest}`
  return {
    label: words.username,
    value: typed,
    hint: words.usernameHint(length),
    invalid: wrong.includes('username'),
    focus: wrong[0] === 'username',
    describedBy: describedBy('username', wrong, ['username-hint']),
  }
}

/** What a new password has to be, as far as it can be said before there is one. */
function policyHint(words: Catalogue['newPassword'], { minimumLength, kinds }: PasswordPolicy): string {
  const length = words.hint(minimumLength)
  if (!kinds) return length
  const list = kinds.of.map(kind => words.kinds[kind]).join(', ')
  return `${length} ${kinds.atLeast < kinds.of.length ? words.threeKinds(list) : words.everyKind(list)}`
}

/** A password is never sent back to the page. */
function passwordField(words: Catalogue['fields'], email: string, wrong: readonly Field[], hint: string | null = null) {
  return {
    label: words.password,
    hint,
    /** Only where one is chosen. */
    strength: null,
    ...stateOf('password', email, wrong),
    describedBy: describedBy('password', wrong, hint === null ? [] : ['password-hint']),
    show: words.show,
    hide: words.hide,
    showPassword: words.showPassword,
    hidePassword: words.hidePassword,
  }
}

/** Why nothing is tried right now, and until when. */
const heldIn = ({ held }: Catalogue['signIn'], wait: number | undefined, language: Language): Trouble => ({
  what: held.what,
  next: held.next(duration(language, wait ?? 0)),
})

const isAboutPassword = (problem: SignUpProblem): problem is NewPasswordProblem => problem.startsWith('password_')

/** Without a problem, focus goes to the first empty field: the password once the address is known. */
function stateOf(field: Field, email: string, wrong: readonly Field[]) {
  const first = wrong[0] ?? (email ? 'password' : 'email')
  return { invalid: wrong.includes(field), focus: field === first }
}

/** The value of `aria-describedby`, or null. What went wrong is read before the standing hint. */
function describedBy(field: Field, wrong: readonly Field[], hints: readonly string[] = []): string | null {
  return [...(wrong.includes(field) ? ['problem'] : []), ...hints].join(' ') || null
}
