/**
 * Where the link leads that is mailed to whoever signs up, in a tenant that makes accounts by mail: a page whose button
 * makes the account. In a browser other than the one the password was chosen in it is asked for: an owner of an address
 * who is lured here would otherwise make somebody else an account with it.
 */
import { occasionOf } from '../audit/events.ts'
import { languageHere } from '../http/language.ts'
import type { VerifyEmailProblem } from '../http/page-views.ts'
import type { Answer, Incoming, Route } from '../http/route.ts'
import { bindBrowser, browserHashOf } from '../identity/browsers.ts'
import { defaultDirectoryOf, isDatabase } from '../identity/directories.ts'
import { BusyError } from '../identity/hash-queue.ts'
import { verifyPassword } from '../identity/password-hash.ts'
import { type FoundSignUp, failSignUp, findSignUp, finishSignUp, type OpenSignUp } from '../identity/sign-up-by-mail.ts'
import { refuseForeignForm } from './interaction.ts'
import type { LoginServices } from './services.ts'
import { show } from './show.ts'

const PATH = '/sign-up/:secret'
/** RFC 9110 §15.5.11. */
const GONE = 410

export function finishSignUpRoutes(services: LoginServices): readonly Route[] {
  const { store, clock, cookieScope, hashQueue } = services
  const secretOf = (incoming: Incoming): string => incoming.path['secret'] ?? ''
  const find = (incoming: Incoming) => findSignUp(store, incoming.tenant, secretOf(incoming), clock())

  function page(
    incoming: Incoming,
    found: FoundSignUp,
    { problem, status = 200, cookies = [] }: { problem?: VerifyEmailProblem; status?: number; cookies?: string[] } = {},
  ): Promise<Answer> {
    if (found.state === 'done')
      return show(services, incoming, 'notice', { notice: 'address-confirmed' }, { cookies: [...cookies] })
    if (found.state === 'over')
      return show(services, incoming, 'notice', { notice: 'verification-over' }, { status: GONE })
    const elsewhere = isChosenHere(incoming, found) ? undefined : { problem }
    const model = { action: `/sign-up/${secretOf(incoming)}`, email: found.email, elsewhere }
    return show(services, incoming, 'verify-email', model, { status })
  }

  async function confirm(incoming: Incoming): Promise<Answer> {
    refuseForeignForm(incoming)
    const found = await find(incoming)
    if (found.state !== 'open') return page(incoming, found)
    if (!isChosenHere(incoming, found)) {
      const password = incoming.body.get('password') ?? ''
      if (password === '') return page(incoming, found, { problem: 'missing_password', status: 400 })
      try {
        const check = () => verifyPassword(password, found.passwordHash)
        if (!(await hashQueue.run(incoming.address, check)).matches) {
          await failSignUp(store, incoming.tenant, secretOf(incoming), clock())
          return page(incoming, await find(incoming), { problem: 'wrong', status: 400 })
        }
      } catch (error) {
        if (error instanceof BusyError) return page(incoming, found, { problem: 'busy', status: 503 })
        throw error
      }
    }
    const { hash, cookies } = bindBrowser(incoming, await cookieScope(incoming.tenant, incoming.issuer))
    const connection =
      found.connection == null
        ? await defaultDirectoryOf(store, incoming.tenant)
        : await store.connections.find(incoming.tenant, found.connection)
    // Removed since.
    if (!isDatabase(connection)) return page(incoming, { state: 'over' })
    const correspondence = { issuer: incoming.issuer, language: languageHere(incoming, null) }
    const chosen = { secret: secretOf(incoming), browserHash: hash, ...correspondence }
    const made = await finishSignUp(store, connection, chosen, occasionOf(incoming, clock()), clock)
    return page(incoming, made, { cookies: [...cookies] })
  }

  return [
    { method: 'GET', path: PATH, speaks: 'pages', answer: async incoming => page(incoming, await find(incoming)) },
    { method: 'POST', path: PATH, speaks: 'pages', answer: confirm },
  ]
}

const isChosenHere = (incoming: Incoming, { browserHash }: OpenSignUp): boolean =>
  browserHash !== null && browserHash === browserHashOf(incoming)
