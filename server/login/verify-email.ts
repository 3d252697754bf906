/**
 * Where the link leads that is mailed to a new address: a page whose button confirms it, because mail scanners open
 * links too. Whoever comes back to it later is told kindly that all is well, or offered a new link.
 */
import { occasionOf } from '../audit/events.ts'
import { languageHere } from '../http/language.ts'
import type { NoticeModel } from '../http/notice-view.ts'
import type { Answer, Incoming, Route } from '../http/route.ts'
import {
  askForVerification,
  type FoundVerification,
  findVerification,
  verifyEmail,
} from '../identity/email-verification.ts'
import { refuseForeignForm } from './interaction.ts'
import type { LoginServices } from './services.ts'
import { show } from './show.ts'

/** RFC 9110 §15.5.11: it was here, and will not be again. */
const GONE = 410

export function verifyEmailRoutes(services: LoginServices): readonly Route[] {
  const { store, clock } = services

  const notice = (incoming: Incoming, model: NoticeModel, status = 200): Promise<Answer> =>
    show(services, incoming, 'notice', model, { status })

  async function page(incoming: Incoming, found: FoundVerification): Promise<Answer> {
    const here = `/verify-email/${secretOf(incoming)}`
    switch (found.state) {
      case 'open':
        return show(services, incoming, 'verify-email', { action: here, email: found.email })
      case 'confirmed':
        return notice(incoming, { notice: 'address-confirmed' })
      case 'expired':
        return notice(incoming, { notice: 'verification-expired', email: found.email, action: `${here}/again` }, GONE)
      case 'over':
        return notice(incoming, { notice: 'verification-over' }, GONE)
    }
  }

  async function look(incoming: Incoming): Promise<Answer> {
    return page(incoming, await findVerification(store, incoming.tenant, secretOf(incoming), clock()))
  }

  async function confirm(incoming: Incoming): Promise<Answer> {
    refuseForeignForm(incoming)
    return page(incoming, await verifyEmail(store, secretOf(incoming), occasionOf(incoming, clock())))
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
