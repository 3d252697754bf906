/**
 * English, and the shape of every other language. A sentence around a name is a function of it: languages put
 * the name in different places. Names come in isolated (`names.ts`).
 */
import type { PageErrorCode } from '../kernel/errors.ts'
import type { Trouble } from './catalogue.ts'

export const en = {
  fields: {
    email: 'E-mail',
    password: 'Password',
    show: 'Show',
    hide: 'Hide',
    showPassword: 'Show password',
    hidePassword: 'Hide password',
  },

  signIn: {
    title: 'Sign in',
    lead: (application: string) => `to go on to ${application}`,
    act: 'Sign in',
    newHere: 'New here?',
    createAccount: 'Create an account',
    problems: {
      wrong_credentials: { what: 'The e-mail address or the password is wrong.', next: 'Check both and try again.' },
      missing_email: { what: 'Your e-mail address is missing.', next: 'Enter the one you signed up with.' },
      missing_password: { what: 'Your password is missing.', next: 'Enter it to sign in.' },
      blocked: { what: 'This account is blocked.', next: 'Ask the people who run the application.' },
      busy: { what: 'Too many attempts right now.', next: 'Wait a minute, then try again.' },
    },
  },

  signUp: {
    title: 'Create an account',
    lead: (application: string) => `to go on to ${application}`,
    act: 'Create account',
    passwordHint: (minimumLength: number) => `At least ${minimumLength} characters.`,
    haveAccount: 'Already have an account?',
    signIn: 'Sign in',
    problems: {
      address_taken: { what: 'This address already has an account.', next: 'Sign in with it, or use another address.' },
      address_invalid: { what: 'This is not an e-mail address.', next: 'Write it like ann@example.com.' },
      password_too_short: {
        what: 'This password is too short.',
        next: 'Choose a longer one. A few words in a row are easy to remember.',
      },
      password_too_long: { what: 'This password is too long.', next: 'Choose a shorter one.' },
      password_is_address: {
        what: 'This password is your e-mail address.',
        next: 'Choose one that others cannot guess.',
      },
      busy: { what: 'Too many attempts right now.', next: 'Wait a minute, then try again.' },
    },
  },

  consent: {
    title: 'Allow access',
    heading: (application: string) => `Let ${application} use your account?`,
    lead: 'It asks to do the following.',
    signedInAs: 'You are signed in as',
    refuse: 'Not now',
    allow: 'Allow',
    asks: {
      account: { what: 'Know you when you come back', detail: 'by the identifier of your account' },
      profile: { what: 'See who you are', detail: 'your name, picture and other profile details' },
      email: { what: 'See your e-mail address', detail: 'and whether it is confirmed' },
      profile_email: {
        what: 'See who you are',
        detail: 'your name, picture, e-mail address and other profile details',
      },
      address: { what: 'See your postal address', detail: 'as it stands in your profile' },
      phone: { what: 'See your phone number', detail: 'and whether it is confirmed' },
      offline_access: { what: 'Keep its access while you are away', detail: 'without asking you each time' },
    },
  },

  signOut: {
    title: 'Sign out',
    heading: (tenant: string) => `Sign out of ${tenant}?`,
    lead: 'You will need to sign in again next time.',
    asked: (application: string) => `${application} asks you to sign out.`,
    act: 'Sign out',
    stay: 'Stay signed in',
  },

  signedOut: {
    title: 'You are signed out',
    heading: (application: string) => `You are signed out of ${application}`,
    lead: 'You can close this page.',
    backTo: (application: string) => `Back to ${application}`,
    back: 'Go back',
  },

  error: {
    forDevelopers: 'For developers',
    code: 'Error',
    detail: 'Detail',
    request: 'Request',
    causes: {
      unknown_client: {
        what: 'We do not know this application',
        next: 'Go back to it and try again. If you land here once more, tell the people who run it.',
      },
      redirect_uri_missing: {
        what: 'There is no address to go back to',
        next: 'The application did not send one. Please tell the people who run it.',
      },
      redirect_uri_mismatch: {
        what: 'We may not send you to that address',
        next: 'The application asked to go on to an address it has not registered. Please tell the people who run it.',
      },
      return_to_mismatch: {
        what: 'We may not send you back there',
        next: 'The application asked to return to an address it has not registered. Please tell the people who run it.',
      },
      malformed_request: {
        what: 'We could not read this request',
        next: 'Go back to the application and start again.',
      },
      start_again: {
        what: 'Please start again',
        next: 'This page has expired, was already used, or was opened in another browser. Go back to the application and sign in from there.',
      },
      cross_site_post: {
        what: 'This request came from another site',
        next: 'To keep your account safe, we did nothing. Go back to the application and start again.',
      },
      not_found: {
        what: 'There is nothing at this address',
        next: 'Check the address, or go back to the application.',
      },
      busy: { what: 'We are very busy right now', next: 'Wait a moment, then load this page again.' },
      unexpected: {
        what: 'Something went wrong on our side',
        next: 'Try again in a moment. If it does not help, tell the people who run this service what it says below.',
      },
    } satisfies Record<PageErrorCode, Trouble>,
  },

  footer: { languages: 'Language', legal: 'Legal', privacy: 'Privacy', terms: 'Terms' },
}
