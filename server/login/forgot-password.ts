/**
 * A forgotten password: on the way to an application, whose request then waits, or by itself. The page's answer is the
 * same for every address, and so is its cost (`identity/password-reset.ts`).
 */
import { occasionOf } from '../audit/events.ts'
import { languageHere } from '../http/language.ts'
import type { Answer, Incoming, Route } from '../http/route.ts'
import { defaultDirectoryOf } from '../identity/directories.ts'
import { askForReset } from '../identity/password-reset.ts'
import { linkLife } from '../notify/link-life.ts'
import { readEmailAddress } from '../policy/email-address.ts'
import { RESET_LINK_LIFE } from '../policy/lifetimes.ts'
import { findDirectory } from './directory.ts'
import { findInteraction, type Interaction, refuseForeignForm, signInAt } from './interaction.ts'
import type { LoginServices } from './services.ts'
import { type Setting, show } from './show.ts'

export const FORGOT_PASSWORD_PATH = '/forgot-password'

/** From where somebody is on the way to an application, or else the page by itself. */
export const forgotPasswordAt = (interaction: Interaction | undefined): string =>
  interaction ? `/login/${interaction.id}${FORGOT_PASSWORD_PATH}` : FORGOT_PASSWORD_PATH

export function forgotPasswordRoutes(services: LoginServices): readonly Route[] {
  const { store, clock } = services

  const settingOf = (interaction: Interaction | undefined): Setting => interaction?.setting ?? {}

  const page = (
    incoming: Incoming,
    interaction: Interaction | undefined,
    email: string,
    problem?: 'address_invalid',
  ): Promise<Answer> =>
    show(
      services,
      incoming,
      'forgot-password',
      { action: forgotPasswordAt(interaction), email, problem, signInUrl: interaction && signInAt(interaction) },
      { ...settingOf(interaction), status: problem ? 400 : 200 },
    )

  async function findWay(incoming: Incoming): Promise<Interaction | undefined> {
    if ('id' in incoming.path) return findInteraction(services, incoming)
    refuseForeignForm(incoming)
    return undefined
  }

  async function begin(incoming: Incoming): Promise<Answer> {
    const interaction = await findWay(incoming)
    return page(incoming, interaction, interaction?.request.loginHint ?? '')
  }

  async function answer(incoming: Incoming): Promise<Answer> {
    const interaction = await findWay(incoming)
    const typed = incoming.body.get('email') ?? ''
    const address = readEmailAddress(typed)
    if (address === undefined) return page(incoming, interaction, typed, 'address_invalid')
    const setting = settingOf(interaction)
    const connection = interaction
      ? await findDirectory(services, interaction)
      : await defaultDirectoryOf(store, incoming.tenant)
    const wish = {
      connection,
      address,
      issuer: incoming.issuer,
      language: languageHere(incoming, setting.uiLocales ?? null),
      client: interaction?.client.id ?? null,
      interaction: interaction?.id ?? null,
    }
    await askForReset(store, wish, occasionOf(incoming, clock()))
    return show(
      services,
      incoming,
      'notice',
      {
        notice: 'reset-sent',
        email: typed.trim(),
        linkLife: await linkLife(store, incoming.tenant, 'reset-password', RESET_LINK_LIFE),
        signInUrl: interaction && signInAt(interaction),
      },
      setting,
    )
  }

  return [FORGOT_PASSWORD_PATH, `/login/:id${FORGOT_PASSWORD_PATH}`].flatMap((path): Route[] => [
    { method: 'GET', path, speaks: 'pages', answer: begin },
    { method: 'POST', path, speaks: 'pages', answer },
  ])
}
