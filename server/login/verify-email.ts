/**
 * Where the link leads that is mailed to a new address: a page whose button confirms it, because mail scanners open
 * links too. Whoever comes back to it later is told kindly that all is well, or offered a new link.
 *
 * Who reads the mail need not be who made the account. So in a browser that the account was never used in its password
 * is asked for as well: an owner who is lured into confirming somebody else's account would give it their address.
 */
import { occasionOf } from '../audit/events.ts'
import { languageHere } from '../http/language.ts'
import type { NoticeModel } from '../http/notice-view.ts'
import type { VerifyEmailProblem } from '../http/page-views.ts'
import { type Answer, type Incoming, type Route, seeOther } from '../http/route.ts'
import { rememberDevice } from '../identity/brake.ts'
import { bindBrowser, browserHashOf } from '../identity/browsers.ts'
import { isDatabase } from '../identity/directories.ts'
import {
  askForVerification,
  type FoundVerification,
  findVerification,
  type OpenVerification,
  verifyEmail,
} from '../identity/email-verification.ts'
import { resultUrlOf } from '../identity/onward.ts'
import { FORGOT_PASSWORD_PATH } from './forgot-password.ts'
import { refuseForeignForm } from './interaction.ts'
import type { LoginServices } from './services.ts'
import { show } from './show.ts'

/** What an application is told in Auth0's parameters, which are in English. */
const CONFIRMED = 'Your email was verified. You can continue using the application.'

/** RFC 9110 §15.5.11: it was here, and will not be again. */
const GONE = 410

export function verifyEmailRoutes(services: LoginServices): readonly Route[] {
  const { store, clock, cookieScope, signInWithPassword } = services

  const notice = (
    incoming: Incoming,
    model: NoticeModel,
    status = 200,
    cookies: readonly string[] = [],
  ): Promise<Answer> => show(services, incoming, 'notice', model, { status, cookies })

  /** Whether the account was used in this browser before. */
  async function isOwn(incoming: Incoming, { user }: OpenVerification): Promise<boolean> {
    const browserHash = browserHashOf(incoming)
    const device = browserHash !== null && { tenant: incoming.tenant, user: user.id, browserHash }
    return device && store.devices.isKnown(device, clock())
  }

  const ask = (
    incoming: Incoming,
    { email, onward }: OpenVerification,
    isHere: boolean,
    problem?: VerifyEmailProblem,
    { status = 200, wait }: { readonly status?: number; readonly wait?: number } = {},
  ): Promise<Answer> => {
    const elsewhere = isHere ? undefined : { problem, wait, forgotUrl: FORGOT_PASSWORD_PATH }
    const model = { action: `/verify-email/${secretOf(incoming)}`, email, elsewhere }
    const formTargets = onward?.resultUrl ? [onward.resultUrl] : []
    return show(services, incoming, 'verify-email', model, { status, wait, formTargets })
  }

  async function page(incoming: Incoming, found: FoundVerification, cookies: readonly string[] = []): Promise<Answer> {
    const here = `/verify-email/${secretOf(incoming)}`
    switch (found.state) {
      case 'open':
        return ask(incoming, found, await isOwn(incoming, found))
      case 'confirmed':
        return notice(incoming, { notice: 'address-confirmed' }, 200, cookies)
      case 'expired':
        return notice(incoming, { notice: 'verification-expired', email: found.email, action: `${here}/again` }, GONE)
      case 'over':
        return notice(incoming, { notice: 'verification-over' }, GONE)
    }
  }

  /** On to where whoever made the link wants the person to be, if anywhere. */
  async function done(incoming: Incoming, found: FoundVerification, cookies: readonly string[] = []): Promise<Answer> {
    const onward = found.state === 'confirmed' ? found.onward : undefined
    const resultUrl = onward && resultUrlOf(onward, found.state === 'confirmed' ? found.email : null, CONFIRMED)
    return resultUrl ? seeOther(resultUrl, cookies) : page(incoming, found, cookies)
  }

  async function look(incoming: Incoming): Promise<Answer> {
    return page(incoming, await findVerification(store, incoming.tenant, secretOf(incoming), clock()))
  }

  async function confirm(incoming: Incoming): Promise<Answer> {
    refuseForeignForm(incoming)
    const now = clock()
    const found = await findVerification(store, incoming.tenant, secretOf(incoming), now)
    if (found.state !== 'open') return page(incoming, found)
    const occasion = occasionOf(incoming, now)
    const correspondence = { issuer: incoming.issuer, language: languageHere(incoming, null) }
    const verify = () => verifyEmail(store, secretOf(incoming), correspondence, occasion)
    if (await isOwn(incoming, found)) return done(incoming, await verify())

    const password = incoming.body.get('password') ?? ''
    if (password === '') return ask(incoming, found, false, 'missing_password', { status: 400 })
    const [identity] = await store.users.identitiesOf(incoming.tenant, found.user.id)
    const connection = identity && (await store.connections.find(incoming.tenant, identity.connection))
    // Of somebody who has no password the mail alone cannot say that the account is theirs.
    if (!isDatabase(connection)) return page(incoming, { state: 'over' })
    const outcome = await signInWithPassword({
      connection,
      name: found.email,
      password,
      client: null,
      address: incoming.address,
      browserHash: browserHashOf(incoming),
      correspondence,
      occasion,
    })
    if (outcome.state === 'busy') return ask(incoming, found, false, 'busy', { status: 503 })
    if (outcome.state === 'held')
      return ask(incoming, found, false, 'held', { status: 429, wait: outcome.freeAt - now })
    if (outcome.state === 'wrong' || outcome.user.id !== found.user.id)
      return ask(incoming, found, false, 'wrong', { status: 400 })
    const browser = bindBrowser(incoming, await cookieScope(incoming.tenant, incoming.issuer))
    await store.transaction(transaction => rememberDevice(transaction, found.user, browser.hash, now))
    return done(incoming, await verify(), browser.cookies)
  }

  /** Whoever holds the old link has read that mailbox; how many new ones it may ask for is limited all the same. */
  async function sendAgain(incoming: Incoming): Promise<Answer> {
    refuseForeignForm(incoming)
    const occasion = occasionOf(incoming, clock())
    const found = await findVerification(store, incoming.tenant, secretOf(incoming), occasion.at)
    if (found.state !== 'expired') return page(incoming, found)
    const { user, email } = found
    const correspondence = { issuer: incoming.issuer, language: languageHere(incoming, null) }
    if (!user.blocked)
      await store.transaction(transaction =>
        askForVerification(transaction, { id: user.id, email }, correspondence, occasion),
      )
    return notice(incoming, { notice: 'verification-sent', email })
  }

  return [
    { method: 'GET', path: '/verify-email/:secret', speaks: 'pages', answer: look },
    { method: 'POST', path: '/verify-email/:secret', speaks: 'pages', answer: confirm },
    // Reloading the answer to the form in another language asks for the form's address.
    { method: 'GET', path: '/verify-email/:secret/again', speaks: 'pages', answer: look },
    { method: 'POST', path: '/verify-email/:secret/again', speaks: 'pages', answer: sendAgain },
  ]
}

const secretOf = (incoming: Incoming): string => incoming.path['secret'] ?? ''
