/**
 * English, and the shape of every other language. A sentence around a name is a function of it: languages put
 * the name in different places. Names come in isolated (`names.ts`).
 */
import type { PageErrorCode } from '../kernel/errors.ts'
import type { Trouble } from './catalogue.ts'

export const en = {
  fields: {
    email: 'E-mail',
    username: 'Username',
    emailOrUsername: 'E-mail or username',
    /** How many: `3–15`. */
    usernameHint: (length: string) => `${length} characters: a to z, digits and . _ + -`,
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
    signedInAlready: 'Signed in already?',
    chooseAccount: 'Choose an account',
    forgotten: 'Forgot your password?',
    problems: {
      wrong_credentials: { what: 'The e-mail address or the password is wrong.', next: 'Check both and try again.' },
      wrong_name: { what: 'The name or the password is wrong.', next: 'Check both and try again.' },
      missing_name: {
        what: 'Your name is missing.',
        next: 'Enter your e-mail address or your username.',
      },
      missing_email: { what: 'Your e-mail address is missing.', next: 'Enter the one you signed up with.' },
      missing_password: { what: 'Your password is missing.', next: 'Enter it to go on.' },
      blocked: { what: 'This account is blocked.', next: 'Ask the people who run the application.' },
      busy: { what: 'Too many attempts right now.', next: 'Wait a minute, then try again.' },
    },
    /** For a browser that has never been signed in here; wrong passwords may have come from others. */
    held: {
      what: 'There were too many wrong passwords.',
      next: (duration: string) => `Try again in ${duration}, or choose a new password.`,
    },
  },

  signUp: {
    title: 'Create an account',
    lead: (application: string) => `to go on to ${application}`,
    act: 'Create account',
    haveAccount: 'Already have an account?',
    signIn: 'Sign in',
    problems: {
      address_taken: { what: 'This address already has an account.', next: 'Sign in with it, or use another address.' },
      address_invalid: { what: 'This is not an e-mail address.', next: 'Write it like ann@example.com.' },
      not_invited: {
        what: 'This is not the address that was invited.',
        next: 'Create the account with the address to which the invitation was sent.',
      },
      not_open: {
        what: 'Nobody can create an account for this organization here.',
        next: 'Ask whoever runs it for an invitation.',
      },
      username_invalid: {
        what: 'This username cannot be used.',
        next: 'What it may be made of is named under the field.',
      },
      username_taken: { what: 'Somebody has this username already.', next: 'Choose another.' },
      busy: { what: 'Too many attempts right now.', next: 'Wait a minute, then try again.' },
    },
  },

  /** Wherever a password is chosen. */
  newPassword: {
    hint: (minimumLength: number) => `At least ${minimumLength} characters.`,
    kinds: {
      lowercase: 'small letters',
      uppercase: 'capital letters',
      number: 'digits',
      special: 'other signs, such as !',
    },
    /** After the hint. */
    everyKind: (kinds: string) => `Each of these is to be in it: ${kinds}.`,
    threeKinds: (kinds: string) => `At least three of these are to be in it: ${kinds}.`,
    problems: {
      password_too_short: {
        what: 'This password is too short.',
        next: 'Choose a longer one. A few words in a row are easy to remember.',
      },
      password_too_long: { what: 'This password is too long.', next: 'Choose a shorter one.' },
      password_too_few_kinds: {
        what: 'This password lacks a kind of character.',
        next: 'Add what is named under the field.',
      },
      password_repeats: {
        what: 'This password has one character too often in a row.',
        next: 'Choose one without such a row.',
      },
      password_sequence: {
        what: 'This password has characters in their order, such as abc.',
        next: 'Choose one without such a row.',
      },
      password_used_before: {
        what: 'You have had this password before.',
        next: 'Choose one that is new here.',
      },
      password_own_data: {
        what: 'This password is made of your address or a name.',
        next: 'Choose one that says nothing of you or of this site.',
      },
      password_common: {
        what: 'Many people use this password, so it is tried first.',
        next: 'Choose another. A few unrelated words in a row are hard to guess.',
      },
      password_predictable: {
        what: 'This password is a row of signs that is easy to guess.',
        next: 'Choose another. A few unrelated words in a row are hard to guess.',
      },
    },
    /** From the easiest to guess to the hardest. */
    strength: ['Easy to guess', 'Weak', 'Fair', 'Good', 'Strong'],
  },

  forgotPassword: {
    title: 'Forgot your password?',
    lead: 'Enter the e-mail address of your account. We will send you a link to choose a new password.',
    act: 'Send the link',
    remembered: 'Remembered it?',
    signIn: 'Sign in',
  },

  resetPassword: {
    title: 'Choose a new password',
    lead: (address: string) => `for ${address}`,
    act: 'Change password',
  },

  verifyEmail: {
    title: 'Confirm your address',
    lead: (address: string) => `Is ${address} yours? Then press the button.`,
    /** For a browser that the account was never used in. */
    elsewhere: (address: string) => `Did you make the account for ${address}? Then enter its password.`,
    act: 'Confirm',
    wrong: { what: 'This is not the password of the account.', next: 'Check it and try again.' },
    notYours: 'Did not make it, or forgot the password?',
    newPassword: 'Choose a new password',
  },

  /** What a mailed link has done, or why it does nothing. */
  notices: {
    resetSent: {
      title: 'Check your e-mail',
      lead: (address: string) => `If there is an account for ${address}, we have sent a link there.`,
      note: (duration: string) =>
        `It works for ${duration}. If nothing comes within a few minutes, look in the spam folder, and check the address.`,
    },
    resetOver: {
      title: 'This link does not work any more',
      lead: (duration: string) => `A link works for ${duration}, and for as long as the password stays the same.`,
      act: 'Get a new link',
    },
    resetUsed: {
      title: 'This link was used already',
      lead: 'The password was changed with it. If that was you, sign in with the new one.',
      act: 'Get a new link',
    },
    passwordChanged: {
      title: 'Your password is changed',
      lead: 'You are signed out everywhere. From now on, sign in with the new password.',
      act: (application: string) => `Go on to ${application}`,
    },
    confirmed: { title: 'Your address is confirmed', lead: 'You can close this page.' },
    verificationRequired: {
      title: 'Confirm your address first',
      lead: (application: string, address: string) =>
        `${application} wants your address confirmed. Open the link that we have sent to ${address}, then go on here.`,
      note: 'If nothing comes within a few minutes, look in the spam folder. A new link can be had on your account page.',
      act: 'Go on',
    },
    verificationExpired: {
      title: 'This link has expired',
      lead: (address: string) => `We can send a new one to ${address}.`,
      act: 'Send a new link',
    },
    verificationOver: {
      title: 'This link does not work',
      lead: 'It may have been cut short, or your account has another address by now. Open the link in the latest mail.',
    },
    verificationSent: {
      title: 'Check your e-mail',
      lead: (address: string) => `A new link is on its way to ${address}.`,
    },
    mailedSignIn: {
      title: 'Sign in',
      lead: (application: string, address: string) => `Go on to ${application} as ${address}?`,
      act: 'Sign in',
    },
    mailedSignInOver: {
      title: 'This does not work any more',
      lead: 'It works once, and not for long. Go back to the application and ask for a new mail.',
    },
    release: {
      title: 'Try again',
      lead: (address: string) =>
        `There were many wrong passwords for ${address}. If you typed them, you can try again at once.`,
      act: 'Let me try again',
      otherwise: 'Was it not you?',
      ask: 'Choose a new password',
    },
    released: { title: 'You can sign in again', lead: 'Go back to the application and sign in there.' },
    releaseOver: {
      title: 'This link does not work any more',
      lead: 'It works once, within a day. After a while each password can be tried again without it.',
      act: 'Choose a new password',
    },
    signUpSent: {
      title: 'Check your e-mail',
      lead: (address: string) => `We have sent a mail to ${address}. It says how to go on.`,
      note: 'If nothing comes within a few minutes, look in the spam folder, and check the address.',
    },
  },

  /** Sent to people, under the tenant's name. */
  mails: {
    invitation: {
      subject: (organization: string) => `You are invited to ${organization}`,
      heading: 'You are invited',
      lead: (tenant: string, inviter: string, organization: string) =>
        `${inviter} invites you to join ${organization} at ${tenant}.`,
      act: 'Accept the invitation',
      limit: (duration: string) => `The link works once, within ${duration}.`,
      notYou: 'If you do not know who invites you, you need do nothing. You become a member only by the link.',
    },
    resetPassword: {
      subject: (tenant: string) => `Choose a new password for ${tenant}`,
      heading: 'Choose a new password',
      lead: (tenant: string) => `We were asked for a new password for your account at ${tenant}.`,
      act: 'Choose a new password',
      limit: (duration: string) => `The link works once, within ${duration}.`,
      notYou: 'If it was not you who asked, you need do nothing. Your password stays as it is.',
    },
    verifyEmail: {
      subject: (tenant: string) => `Confirm your e-mail address for ${tenant}`,
      heading: 'Confirm your e-mail address',
      lead: (tenant: string) => `An account was made at ${tenant} with this address.`,
      act: 'Confirm this address',
      limit: (duration: string) => `The link works for ${duration}.`,
      notYou: 'If it was not you, you need do nothing. The address stays unconfirmed.',
    },
    signUp: {
      subject: (tenant: string) => `Finish making your account at ${tenant}`,
      heading: 'Finish making your account',
      lead: (tenant: string) => `Somebody is making an account at ${tenant} with this address.`,
      act: 'Make the account',
      limit: (duration: string) => `The link works for ${duration}.`,
      notYou: 'If it was not you, you need do nothing. No account is made.',
    },
    signUpTaken: {
      subject: (tenant: string) => `You have an account at ${tenant}`,
      heading: 'You have an account already',
      lead: (tenant: string) =>
        `Somebody wanted to make an account at ${tenant} with this address, which has one. Sign in with the password of that account.`,
      act: 'Choose a new password',
      notYou: 'If it was not you, you need do nothing. Your account stays as it is.',
    },
    passwordChanged: {
      subject: (tenant: string) => `Your password for ${tenant} was changed`,
      heading: 'Your password was changed',
      lead: (tenant: string) =>
        `The password of your account at ${tenant} was changed by a link from a mail to you. You were signed out everywhere.`,
      act: 'Choose another password',
      notYou:
        'If it was not you, somebody can read your mail. Change the password of your mailbox first, then choose another one here.',
    },
    guessing: {
      subject: (tenant: string) => `Somebody is guessing at your password for ${tenant}`,
      heading: 'Somebody is guessing at your password',
      lead: (tenant: string) =>
        `There were many wrong passwords for your account at ${tenant}. Nobody got in with them, and for a while each further try has to wait. Where you have signed in before, you can go on as always. If you typed them yourself, the link lets you try again at once.`,
      act: 'Let me try again',
      limit: (duration: string) => `The link works once, within ${duration}.`,
      notYou:
        'If it was not you, leave the link alone: it would let the guessing go on. Ask yourself whether your password is hard to guess and used nowhere else. If you are unsure, choose a new one where you sign in.',
    },
    welcome: {
      subject: (tenant: string) => `Welcome to ${tenant}`,
      heading: 'Welcome',
      lead: (tenant: string) => `Your account at ${tenant} is ready.`,
      act: 'See your account',
      notYou: 'If you made no account, you need do nothing.',
    },
    signInCode: {
      subject: (tenant: string) => `Your code for ${tenant}`,
      heading: 'Your code to sign in',
      lead: (tenant: string) => `Enter it where you are signing in to ${tenant}.`,
      limit: (duration: string) => `It works once, within ${duration}. A newer code takes its place.`,
      notYou:
        'Give it to nobody: whoever asks you for it wants to sign in as you. If you are not signing in, you need do nothing.',
    },
    signInLink: {
      subject: (tenant: string) => `Sign in to ${tenant}`,
      heading: 'Sign in',
      lead: (tenant: string) => `Somebody wants to sign in to ${tenant} with this address.`,
      act: 'Sign in',
      limit: (duration: string) => `The link works once, within ${duration}.`,
      notYou: 'If it is not you, you need do nothing. Nobody is signed in.',
    },
    device: (device: string) => `Browser: ${device}`,
    instead: 'If the button does nothing, copy this address into your browser:',
  },

  chooseAccount: {
    title: 'Choose an account',
    lead: (application: string) => `to go on to ${application}`,
    another: 'Use another account',
    gone: { what: 'This account is signed out by now.', next: 'Choose another one, or sign in again.' },
  },

  nameOrganization: {
    title: 'Your organization',
    lead: (application: string) => `Enter its name to sign in to ${application}.`,
    label: 'Name of the organization',
    act: 'Continue',
    none: 'Go on without an organization',
    problems: {
      unknown: {
        what: 'There is no organization with this name.',
        next: 'Check the name, or ask whoever invited you for it.',
      },
    },
  },

  chooseOrganization: {
    title: 'Choose an organization',
    lead: (application: string) => `to go on to ${application}`,
    none: 'Go on without an organization',
  },

  consent: {
    title: 'Allow access',
    heading: (application: string) => `Let ${application} use your account?`,
    lead: 'It asks to do the following.',
    signedInAs: 'You are signed in as',
    refuse: 'Not now',
    allow: 'Allow',
    notYou: 'Not you?',
    anotherAccount: 'Use another account',
    asks: {
      account: { what: 'Know you when you come back', detail: 'by the identifier of your account' },
      api: { what: 'Use it in your name', detail: 'without any permission beyond that' },
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

  account: {
    title: 'Your account',
    sessions: 'Where you are signed in',
    thisBrowser: 'This browser',
    unknownDevice: 'Unknown device',
    signedIn: (ago: string) => `Signed in ${ago}`,
    lastUsed: (ago: string) => `Last used ${ago}`,
    onlyRecent: 'Only the most recent are shown.',
    signOut: 'Sign out',
    signOutOthers: 'Sign out all others',
    signOutEverywhere: 'Sign out everywhere',
    unconfirmed: 'Your e-mail address is not confirmed yet.',
    sendConfirmation: 'Send a confirmation mail',
    everywhereHint: 'Signing out everywhere also ends what applications may do while you are away.',
    applications: 'Applications with access',
    noApplications: 'No application has access to your account.',
    staysSignedIn: 'Stays signed in',
    removeAccess: 'Remove',
    anotherAccount: 'Use another account',
  },

  /** Seen only where scripts do not run. */
  formPost: { title: 'One more step', act: 'Continue' },

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
    everywhere: {
      title: 'You are signed out everywhere',
      lead: 'In every browser, and in the applications that stayed signed in.',
    },
    backTo: (application: string) => `Back to ${application}`,
    back: 'Go back',
  },

  /** Pages of a gateway, in front of somebody's service. */
  edge: {
    over: {
      title: 'This sign-in is over',
      lead: 'It was begun in another browser, or too long ago.',
      act: 'Sign in',
    },
    failed: {
      title: 'You are not signed in',
      lead: 'The sign-in was stopped, or something went wrong with it.',
      act: 'Try again',
    },
    tooWeak: {
      title: 'This needs more than you signed in with',
      lead: 'Sign in again, with a second factor if you are asked for one.',
      act: 'Sign in again',
    },
    elsewhere: {
      title: 'You are still signed in',
      lead: 'Another site tried to sign you out. You can do it here.',
      act: 'Go on to sign out',
    },
    unavailable: {
      title: 'Signing in does not work right now',
      lead: 'Wait a minute, then try again.',
      act: 'Try once more',
    },
    signOut: {
      title: 'Do you want to sign out?',
      lead: 'Afterwards, this page asks who you are.',
      act: 'Yes, sign out',
    },
  },

  leaving: {
    title: 'Signing out',
    lead: 'Applications that you used are being told.',
    next: 'Continue',
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
      no_connection: {
        what: 'Nobody can sign in to this application yet',
        next: 'Please tell the people who run it: they have to choose how.',
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
      method_not_allowed: {
        what: 'This cannot be done at this address',
        next: 'Go back to the application and start again.',
      },
      too_many: {
        what: 'Too much comes from your network',
        next: 'Wait a minute, then go back to the application and try again.',
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
