/** `/email-templates`: letters as the tenant words them. Each is tried out before it is kept (`notify/email-templates.ts`). */
import { isDeepStrictEqual } from 'node:util'
import Type from 'typebox'
import { changesBetween } from '../audit/changes.ts'
import { managedUnlessSame } from '../audit/events.ts'
import type { JsonObject } from '../kernel/json.ts'
import { isTemplateName, readTemplate, TEMPLATE_NAMES } from '../notify/email-templates.ts'
import { TEMPLATE_DOCUMENT } from '../notify/link-life.ts'
import type { Nouns, Transaction } from '../store/store.ts'
import { ManagementFault, notFound } from './fault.ts'
import { type Call, type Operation, operation } from './operation.ts'

const text = () => Type.Optional(Type.Union([Type.String(), Type.Null()]))
const NAME = Type.Enum([...TEMPLATE_NAMES])
const MEMBERS = {
  body: text(),
  from: text(),
  subject: text(),
  syntax: text(),
  resultUrl: text(),
  urlLifetimeInSeconds: Type.Optional(Type.Union([Type.Number(), Type.Null()])),
  includeEmailInRedirect: Type.Optional(Type.Boolean()),
  enabled: Type.Optional(Type.Union([Type.Boolean(), Type.Null()])),
}
const closed = { additionalProperties: false }
const TEMPLATE = Type.Object({ template: NAME, ...MEMBERS }, closed)
const CHANGE = Type.Object({ template: Type.Optional(NAME), ...MEMBERS }, closed)
const KIND = 'email-template'

export const emailTemplates: readonly Operation[] = [
  operation({
    method: 'POST',
    path: '/email-templates',
    summary: 'Word a letter',
    scopes: ['create:email_templates'],
    body: TEMPLATE,
    answers: { 201: TEMPLATE },
    async run(call, { store }) {
      const template = await readTemplate(call.body as JsonObject)
      await store.transaction(async transaction => {
        const record = documentOf(call, call.body.template, template)
        if ((await transaction.documents.create(record)) === 'taken')
          throw new ManagementFault(409, 'template_conflict', `The template ${call.body.template} exists already.`)
        await note(transaction, call, call.body.template, 'created', null, template)
      })
      return { status: 201, body: template }
    },
  }),

  operation({
    method: 'GET',
    path: '/email-templates/:name',
    summary: 'Read how a letter is worded',
    scopes: ['read:email_templates'],
    answers: { 200: TEMPLATE },
    async run({ tenant, path }, { store }) {
      const template = await find(store, tenant, nameIn(path('name')))
      if (!template) throw none(path('name'))
      return { status: 200, body: template }
    },
  }),

  operation({
    method: 'PUT',
    path: '/email-templates/:name',
    summary: 'Word a letter, or word it anew',
    scopes: ['update:email_templates'],
    body: CHANGE,
    answers: { 200: TEMPLATE },
    async run(call, { store }) {
      const name = nameIn(call.path('name'))
      const template = await readTemplate(named(name, call.body as JsonObject))
      await store.transaction(async transaction => {
        await transaction.tenants.hold(call.tenant)
        const before = await find(transaction, call.tenant, name)
        await transaction.documents.put(documentOf(call, name, template))
        await note(transaction, call, name, before ? 'changed' : 'created', before ?? null, template)
      })
      return { status: 200, body: template }
    },
  }),

  operation({
    method: 'PATCH',
    path: '/email-templates/:name',
    summary: 'Change how a letter is worded',
    scopes: ['update:email_templates'],
    body: CHANGE,
    answers: { 200: TEMPLATE },
    async run(call, { store }) {
      const name = nameIn(call.path('name'))
      // A letter is tried out before anybody waits for it, so that another may have changed it meanwhile: then once more.
      for (;;) {
        const known = await find(store, call.tenant, name)
        if (!known) throw none(name)
        const template = await readTemplate(named(name, { ...known, ...(call.body as JsonObject) }))
        const isKept = await store.transaction(async transaction => {
          await transaction.tenants.hold(call.tenant)
          const before = await find(transaction, call.tenant, name)
          if (!isDeepStrictEqual(before, known)) return false
          await transaction.documents.put(documentOf(call, name, template))
          await note(transaction, call, name, 'changed', known, template)
          return true
        })
        if (isKept) return { status: 200, body: template }
      }
    },
  }),
]

type AnyCall = Pick<Call<unknown, unknown>, 'tenant' | 'now' | 'client' | 'occasion'>

function nameIn(name: string): string {
  if (isTemplateName(name)) return name
  throw new ManagementFault(
    400,
    'invalid_uri',
    `Path validation error: there is no template of that name; there are ${TEMPLATE_NAMES.join(', ')}.`,
  )
}

function named(name: string, given: JsonObject): JsonObject {
  if (given['template'] !== undefined && given['template'] !== name)
    throw new ManagementFault(400, 'invalid_body', 'Payload validation error: template is another one’s name.')
  return { ...given, template: name }
}

async function find(nouns: Nouns, tenant: string, id: string): Promise<JsonObject | undefined> {
  return (await nouns.documents.find({ tenant, kind: TEMPLATE_DOCUMENT, id }))?.data
}

const documentOf = ({ tenant, now }: AnyCall, id: string, data: JsonObject) => ({
  tenant,
  kind: TEMPLATE_DOCUMENT,
  id,
  data,
  sealed: null,
  createdAt: now,
  updatedAt: now,
})

async function note(
  { events }: Transaction,
  { client, occasion }: AnyCall,
  name: string,
  change: 'created' | 'changed',
  before: JsonObject | null,
  after: JsonObject,
): Promise<void> {
  const by = { client: client.id }
  await events.record(managedUnlessSame(occasion, by, KIND, name, change, changesBetween(before, after)))
}

const none = (name: string) => notFound('inexistent_email_template', `There is no template ${name}.`)
