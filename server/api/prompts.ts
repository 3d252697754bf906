/**
 * `/prompts`: what pages say in the tenant's own words (`tenants/custom-text.ts`), and Auth0's settings of them. Partials,
 * which are markup of an operator's on the page where people enter passwords, can be asked for and never be set.
 */
import Type from 'typebox'
import { changesBetween } from '../audit/changes.ts'
import { managedUnlessSame } from '../audit/events.ts'
import type { JsonObject } from '../kernel/json.ts'
import {
  changePromptSettings,
  findPromptSettings,
  findTexts,
  isLocale,
  isPrompt,
  putTexts,
  readPromptSettings,
  readTexts,
} from '../tenants/custom-text.ts'
import { ManagementFault } from './fault.ts'
import { type Operation, operation } from './operation.ts'

const ANY = Type.Object({}, { additionalProperties: true })
const TEXTS = Type.Record(Type.String(), Type.Record(Type.String(), Type.String()))
const truth = () => Type.Optional(Type.Union([Type.Boolean(), Type.Null()]))
const SETTINGS = Type.Object({
  universal_login_experience: Type.Optional(Type.Enum(['new', 'classic'])),
  identifier_first: truth(),
  webauthn_platform_first_factor: truth(),
})

export const prompts: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/prompts',
    summary: 'Read the settings of prompts',
    scopes: ['read:prompts'],
    answers: { 200: SETTINGS },
    async run({ tenant }, { store }) {
      return { status: 200, body: await findPromptSettings(store, tenant) }
    },
  }),

  operation({
    method: 'PATCH',
    path: '/prompts',
    summary: 'Change the settings of prompts',
    scopes: ['update:prompts'],
    body: SETTINGS,
    answers: { 200: SETTINGS },
    async run({ tenant, body, client, now, occasion }, { store }) {
      const change = readPromptSettings(body as JsonObject)
      const after = await store.transaction(async transaction => {
        await transaction.tenants.hold(tenant)
        const changed = await changePromptSettings(transaction, tenant, change, now)
        const changes = changesBetween(changed.before, changed.after)
        await transaction.events.record(
          managedUnlessSame(occasion, { client: client.id }, 'prompt', 'settings', 'changed', changes),
        )
        return changed.after
      })
      return { status: 200, body: after }
    },
  }),

  operation({
    method: 'GET',
    path: '/prompts/:prompt/custom-text/:language',
    summary: 'Read what a prompt says in the tenant’s own words',
    scopes: ['read:prompts'],
    answers: { 200: TEXTS },
    async run({ tenant, path }, { store }) {
      const { prompt, language } = placeIn(path)
      return { status: 200, body: await findTexts(store, tenant, language, prompt) }
    },
  }),

  operation({
    method: 'PUT',
    path: '/prompts/:prompt/custom-text/:language',
    summary: 'Have a prompt say something in the tenant’s own words',
    scopes: ['update:prompts'],
    body: ANY,
    answers: { 200: TEXTS },
    async run({ tenant, path, body, client, now, occasion }, { store }) {
      const { prompt, language } = placeIn(path)
      const texts = readTexts(body as JsonObject)
      await store.transaction(async transaction => {
        await transaction.tenants.hold(tenant)
        const before = await findTexts(transaction, tenant, language, prompt)
        await putTexts(transaction, tenant, language, prompt, texts, now)
        const id = `${prompt}/${language}`
        const changes = changesBetween(before, texts)
        await transaction.events.record(
          managedUnlessSame(occasion, { client: client.id }, 'prompt', id, 'changed', changes),
        )
      })
      return { status: 200, body: texts }
    },
  }),

  operation({
    method: 'GET',
    path: '/prompts/:prompt/partials',
    summary: 'Read the partials of a prompt, of which there are none',
    scopes: ['read:prompts'],
    answers: { 200: ANY },
    async run({ path }) {
      promptIn(path)
      return { status: 200, body: {} }
    },
  }),

  operation({
    method: 'PUT',
    path: '/prompts/:prompt/partials',
    summary: 'Take a prompt to have no partials; markup is not taken',
    scopes: ['update:prompts'],
    body: ANY,
    answers: { 200: ANY },
    async run({ path, body }) {
      promptIn(path)
      if (Object.keys(body).length > 0)
        throw new ManagementFault(
          403,
          'insufficient_scope',
          'Insufficient scope: nobody may put markup into the pages on which people enter their passwords.',
        )
      return { status: 200, body: {} }
    },
  }),
]

type Path = (name: string) => string

/** As Auth0 words it, which its deployment tool reads. */
function promptIn(path: Path): string {
  const prompt = path('prompt')
  if (isPrompt(prompt)) return prompt
  throw invalid(`'Invalid value "${prompt.slice(0, 60)}"' on property prompt (Name of the prompt).`)
}

function placeIn(path: Path): { prompt: string; language: string } {
  const language = path('language')
  if (!isLocale(language)) throw invalid(`'Invalid value "${language.slice(0, 60)}"' on property language.`)
  return { prompt: promptIn(path), language }
}

const invalid = (what: string) => new ManagementFault(400, 'invalid_uri', `Path validation error: ${what}`)
