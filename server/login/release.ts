/**
 * Where the link leads that is mailed with the word of many wrong passwords: a page whose button lets the person try again.
 * Mail scanners open links, and whoever did not type those passwords is to leave it alone: it would let the guessing go on.
 */
import { occasionOf } from '../audit/events.ts'
import type { Answer, Incoming } from '../http/route.ts'
import { findRelease, spendRelease } from '../identity/release-links.ts'
import { releaseAccount } from '../identity/sign-in-holds.ts'
import { FORGOT_PASSWORD_PATH } from './forgot-password.ts'
import { refuseForeignForm } from './interaction.ts'
import type { LoginServices } from './services.ts'
import { show } from './show.ts'

/** RFC 9110 §15.5.11: it was here, and will not be again. */
const GONE = 410

export function releasePages(services: LoginServices) {
  const { store, counter, clock } = services
  const secretOf = (incoming: Incoming): string => incoming.path['secret'] ?? ''
  const askUrl = FORGOT_PASSWORD_PATH

  const over = (incoming: Incoming): Promise<Answer> =>
    show(services, incoming, 'notice', { notice: 'release-over', askUrl }, { status: GONE })

  async function look(incoming: Incoming): Promise<Answer> {
    const found = await findRelease(store, incoming.tenant, secretOf(incoming), clock())
    if (!found) return over(incoming)
    const { email, username } = found.user
    const action = `/sign-in-again/${secretOf(incoming)}`
    return show(services, incoming, 'notice', { notice: 'release', email: email ?? username ?? '', action, askUrl })
  }

  async function release(incoming: Incoming): Promise<Answer> {
    refuseForeignForm(incoming)
    const occasion = occasionOf(incoming, clock())
    const found = await findRelease(store, incoming.tenant, secretOf(incoming), occasion.at)
    if (!found || !(await spendRelease(store, found, secretOf(incoming), occasion))) return over(incoming)
    await releaseAccount({ store, counter }, found.account, occasion.at)
    return show(services, incoming, 'notice', { notice: 'released' })
  }

  return { look, release }
}
