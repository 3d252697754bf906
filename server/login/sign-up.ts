/**
 * Making an account. That an address is taken is said only to whoever chose a password that would have done; and to nobody
 * but its owner, by mail, where the tenant makes accounts by mail.
 */
import { occasionOf, signedUp } from '../audit/events.ts'
import { languageHere } from '../http/language.ts'
import type { SignUpProblem } from '../http/page-views.ts'
import { type Answer, type Incoming, type Route, seeOther } from '../http/route.ts'
import { browserHashOf } from '../identity/browsers.ts'
import { findPasswordProblem } from '../identity/choosable-password.ts'
import { databaseOptions } from '../identity/database-options.ts'
import { askForVerification } from '../identity/email-verification.ts'
import { BusyError } from '../identity/hash-queue.ts'
import { hashPassword } from '../identity/password-hash.ts'
import { askToSignUp } from '../identity/sign-up-by-mail.ts'
import { createUser } from '../identity/users.ts'
import { sendWelcome } from '../identity/welcome.ts'
import { emailKey, readEmailAddress } from '../policy/email-address.ts'
import { readUsername, usernameKey } from '../policy/username.ts'
import type { ConnectionRecord } from '../store/connections.ts'
import type { Transaction } from '../store/store.ts'
import { directoryOf, invitedByMail, maySignUp } from './directory.ts'
import { continueAt, findInteraction, type Interaction, signInAt } from './interaction.ts'
import type { LoginServices } from './services.ts'
import { show } from './show.ts'
import { startSession } from './start-session.ts'

/** Thrown inside the transaction to take everything back. */
class Taken extends Error {
  readonly what: 'address_taken' | 'username_taken'

  constructor(what: Taken['what']) {
    super(what)
    this.what = what
  }
}

/** As the form has them. */
interface Typed {
  readonly email: string
  readonly username: string
}

export function signUpRoutes(services: LoginServices): readonly Route[] {
  const { store, clock, hashQueue, brake, tenants, password: factor } = services

  const page = (
    incoming: Incoming,
    interaction: Interaction,
    connection: ConnectionRecord,
    typed: Typed,
    problem?: SignUpProblem,
    status = 200,
    wait?: number,
  ): Promise<Answer> => {
    const { policy, username } = databaseOptions(connection.options)
    return show(
      services,
      incoming,
      'sign-up',
      {
        action: `/login/${interaction.id}/sign-up`,
        application: interaction.client.name,
        email: typed.email,
        problem,
        wait,
        policy,
        username: username ? { typed: typed.username, ...username } : undefined,
        signInUrl: signInAt(interaction),
      },
      { ...interaction.setting, status, wait },
    )
  }

  /** Whoever was invited has one address; and not every organization takes strangers. */
  async function refusedHere(interaction: Interaction, email: string): Promise<SignUpProblem | undefined> {
    const { invitation } = interaction.request
    if (invitation && emailKey(invitation.email) !== emailKey(email)) return 'not_invited'
    return (await maySignUp(services, interaction)) ? undefined : 'not_open'
  }

  async function begin(incoming: Incoming): Promise<Answer> {
    const interaction = await findInteraction(services, incoming)
    if (!(await maySignUp(services, interaction))) return seeOther(signInAt(interaction))
    const { invitation, loginHint } = interaction.request
    const connection = await directoryOf(services, interaction)
    return page(incoming, interaction, connection, { email: invitation?.email ?? loginHint ?? '', username: '' })
  }

  async function answer(incoming: Incoming): Promise<Answer> {
    const interaction = await findInteraction(services, incoming)
    const connection = await directoryOf(services, interaction)
    const { isSignUpOpen, username: rule } = databaseOptions(connection.options)
    if (!isSignUpOpen) return seeOther(signInAt(interaction))
    const typed = { email: incoming.body.get('email') ?? '', username: incoming.body.get('username') ?? '' }
    const again = (problem: SignUpProblem, status: number, wait?: number) =>
      page(incoming, interaction, connection, typed, problem, status, wait)
    const password = incoming.body.get('password') ?? ''
    const email = readEmailAddress(typed.email)
    if (email === undefined) return again('address_invalid', 400)
    const isNamed = rule !== null && (rule.isRequired || typed.username.trim() !== '')
    const username = isNamed ? readUsername(typed.username, rule) : null
    if (username === undefined) return again('username_invalid', 400)
    const { name, signsUpByMail } = await tenants.find(incoming.tenant)
    const refused = await refusedHere(interaction, email)
    if (refused) return again(refused, 400)
    const problem = await findPasswordProblem(password, [email, username, interaction.client.name, name], connection)
    if (problem) return again(problem, 400)

    const now = clock()
    const begun = await brake.beginSignUp(incoming.tenant, incoming.address, now)
    if (begun.state === 'held') return again('held', 429, begun.freeAt - now)
    try {
      const passwordHash = await hashQueue.run(incoming.address, () => hashPassword(password))
      const occasion = occasionOf(incoming, now)
      const correspondence = {
        issuer: incoming.issuer,
        language: languageHere(incoming, interaction.request.uiLocales),
      }
      // Whoever has a ticket that was mailed has read the mail that would be sent.
      const isConfirmed = await invitedByMail(services, interaction, now)
      if (signsUpByMail && !isConfirmed) {
        const chosen = { email, username, passwordHash, browserHash: browserHashOf(incoming) }
        const wish = { ...chosen, ...correspondence, client: interaction.request.client }
        await askToSignUp(store, connection, wish, occasion)
        await begun.free()
        return show(services, incoming, 'notice', { notice: 'sign-up-sent', email }, interaction.setting)
      }
      const cookies = await startSession(
        services,
        incoming,
        interaction,
        async transaction => {
          const person = { email, username, emailVerified: isConfirmed, passwordHash }
          const user = await createUser(transaction, connection, person, clock)
          if (user === 'taken') throw new Taken(await whatIsTaken(transaction, connection, person))
          await transaction.events.record([signedUp(occasion, user.id, email, connection.name)])
          const asked = { ...correspondence, client: interaction.request.client }
          if (isConfirmed) await sendWelcome(transaction, user, asked, occasion)
          else await askForVerification(transaction, { id: user.id, email }, asked, occasion)
          return user
        },
        connection.id,
        { factor: factor.kind, amr: factor.amr, at: now },
      )
      await begun.free()
      return seeOther(continueAt(interaction), cookies)
    } catch (error) {
      if (error instanceof Taken) return again(error.what, 409)
      await begun.free()
      if (error instanceof BusyError) return again('busy', 503)
      throw error
    }
  }

  return [
    { method: 'GET', path: '/login/:id/sign-up', speaks: 'pages', answer: begin },
    { method: 'POST', path: '/login/:id/sign-up', speaks: 'pages', answer },
  ]
}

/** Which of the two somebody has. */
const whatIsTaken = async (
  { users }: Transaction,
  connection: ConnectionRecord,
  { username }: { readonly username: string | null },
): Promise<Taken['what']> =>
  username !== null && (await users.findByUsernameKey(connection.tenant, connection.id, usernameKey(username)))
    ? 'username_taken'
    : 'address_taken'
