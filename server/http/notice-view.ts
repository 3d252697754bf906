/**
 * Pages that only say something: what a mailed link has done, or why it does nothing any more, and the one thing that
 * can be done next.
 */
import type { Catalogue } from '../words/catalogue.ts'
import { duration } from '../words/duration.ts'
import type { Language } from '../words/languages.ts'
import { isolatedName } from '../words/names.ts'

/** Addresses as stored or typed, lengths of time in milliseconds. */
export type NoticeModel =
  | {
      readonly notice: 'reset-sent'
      readonly email: string
      readonly linkLife: number
      readonly signInUrl?: string | undefined
    }
  | { readonly notice: 'reset-over'; readonly linkLife: number; readonly askUrl: string }
  | { readonly notice: 'reset-used'; readonly askUrl: string }
  | {
      readonly notice: 'password-changed'
      /** The application that this browser was on the way to. */
      readonly goOn?: { readonly application: string; readonly url: string } | undefined
    }
  | { readonly notice: 'address-confirmed' }
  /** Posts to `action` for a new link. */
  | { readonly notice: 'verification-expired'; readonly email: string; readonly action: string }
  | { readonly notice: 'verification-over' }
  | {
      readonly notice: 'verification-required'
      readonly email: string
      readonly application: string
      readonly goOnUrl: string
    }
  | { readonly notice: 'verification-sent'; readonly email: string }
  | { readonly notice: 'sign-up-sent'; readonly email: string }
  /** Posts to `action` to sign in. */
  | {
      readonly notice: 'mailed-sign-in'
      readonly email: string
      readonly application: string
      readonly action: string
    }
  | { readonly notice: 'mailed-sign-in-over' }
  /** Posts to `action` to let wrong passwords be forgotten. */
  | { readonly notice: 'release'; readonly email: string; readonly action: string; readonly askUrl: string }
  | { readonly notice: 'released' }
  | { readonly notice: 'release-over'; readonly askUrl: string }

interface Said {
  readonly title: string
  readonly lead: string
  readonly note?: string
  readonly link?: { readonly text: string; readonly url: string } | undefined
  readonly form?: { readonly act: string; readonly action: string }
  readonly foot?: { readonly text: string; readonly link: string; readonly url: string } | undefined
}

export function noticeView(words: Catalogue, model: NoticeModel, language: Language) {
  const { title, lead, note, link, form, foot } = sayIn(words, model, language)
  return { title, heading: title, lead, note: note ?? null, link: link ?? null, form: form ?? null, foot: foot ?? null }
}

function sayIn({ notices, forgotPassword }: Catalogue, model: NoticeModel, language: Language): Said {
  switch (model.notice) {
    case 'reset-sent': {
      const { title, lead, note } = notices.resetSent
      const { text, link } = { text: forgotPassword.remembered, link: forgotPassword.signIn }
      return {
        title,
        lead: lead(isolatedName(model.email)),
        note: note(duration(language, model.linkLife)),
        foot: model.signInUrl === undefined ? undefined : { text, link, url: model.signInUrl },
      }
    }
    case 'reset-over': {
      const { title, lead, act } = notices.resetOver
      return { title, lead: lead(duration(language, model.linkLife)), link: { text: act, url: model.askUrl } }
    }
    case 'reset-used': {
      const { title, lead, act } = notices.resetUsed
      return { title, lead, link: { text: act, url: model.askUrl } }
    }
    case 'password-changed': {
      const { title, lead, act } = notices.passwordChanged
      const { goOn } = model
      return { title, lead, link: goOn && { text: act(isolatedName(goOn.application)), url: goOn.url } }
    }
    case 'address-confirmed':
      return notices.confirmed
    case 'verification-expired': {
      const { title, lead, act } = notices.verificationExpired
      return { title, lead: lead(isolatedName(model.email)), form: { act, action: model.action } }
    }
    case 'verification-required': {
      const { title, lead, note, act } = notices.verificationRequired
      const [application, email] = [isolatedName(model.application), isolatedName(model.email)]
      return { title, lead: lead(application, email), note, link: { text: act, url: model.goOnUrl } }
    }
    case 'verification-over':
      return notices.verificationOver
    case 'sign-up-sent': {
      const { title, lead, note } = notices.signUpSent
      return { title, lead: lead(isolatedName(model.email)), note }
    }
    case 'mailed-sign-in': {
      const { title, lead, act } = notices.mailedSignIn
      const [application, email] = [isolatedName(model.application), isolatedName(model.email)]
      return { title, lead: lead(application, email), form: { act, action: model.action } }
    }
    case 'mailed-sign-in-over':
      return notices.mailedSignInOver
    case 'release': {
      const { title, lead, act, otherwise, ask } = notices.release
      return {
        title,
        lead: lead(isolatedName(model.email)),
        form: { act, action: model.action },
        foot: { text: otherwise, link: ask, url: model.askUrl },
      }
    }
    case 'released':
      return notices.released
    case 'release-over': {
      const { title, lead, act } = notices.releaseOver
      return { title, lead, link: { text: act, url: model.askUrl } }
    }
    case 'verification-sent': {
      const { title, lead } = notices.verificationSent
      return { title, lead: lead(isolatedName(model.email)) }
    }
  }
}
