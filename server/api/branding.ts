/** `/branding` and its theme: how the tenant's pages look. What pages take of it is `tenants/look.ts`'. */
import Type from 'typebox'
import { changesBetween } from '../audit/changes.ts'
import { type Managed, managedUnlessSame } from '../audit/events.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Transaction } from '../store/store.ts'
import { changeBranding, createTheme, putTheme, readBranding, readTheme, removeTheme } from '../tenants/branding.ts'
import { brandingToWire, findTheme, type Theme } from '../tenants/look.ts'
import { ManagementFault, notFound } from './fault.ts'
import { type Call, type Operation, operation } from './operation.ts'

const anything = () => Type.Object({}, { additionalProperties: true })
const maybe = (schema: ReturnType<typeof anything> | ReturnType<typeof Type.String>) =>
  Type.Optional(Type.Union([schema, Type.Null()]))
const BRANDING = Type.Object({
  colors: maybe(anything()),
  logo_url: maybe(Type.String()),
  favicon_url: maybe(Type.String()),
  font: maybe(anything()),
})
const THEME_PARTS = {
  borders: anything(),
  colors: anything(),
  fonts: anything(),
  page_background: anything(),
  widget: anything(),
  displayName: Type.Optional(Type.String()),
  identifiers: Type.Optional(anything()),
}
const THEME = Type.Object(THEME_PARTS)
const KEPT_THEME = Type.Object({ ...THEME_PARTS, themeId: Type.String() })

export const branding: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/branding',
    summary: 'Read how pages look',
    scopes: ['read:branding'],
    answers: { 200: BRANDING },
    async run({ tenant }, { store }) {
      return { status: 200, body: brandingToWire((await store.tenants.find(tenant))?.settings ?? {}) }
    },
  }),

  operation({
    method: 'PATCH',
    path: '/branding',
    summary: 'Change how pages look',
    scopes: ['update:branding'],
    body: BRANDING,
    answers: { 200: BRANDING },
    async run(call, { store }) {
      const change = readBranding(call.body as JsonObject)
      const after = await store.transaction(async transaction => {
        const changed = await changeBranding(transaction, call.tenant, change)
        await note(transaction, call, 'branding', 'branding', 'changed', changed.before, changed.after)
        return changed.after
      })
      return { status: 200, body: after }
    },
  }),

  operation({
    method: 'POST',
    path: '/branding/themes',
    summary: 'Make the theme of pages',
    scopes: ['create:branding'],
    body: THEME,
    answers: { 201: KEPT_THEME },
    async run(call, { store }) {
      const given = readTheme(call.body as JsonObject)
      const theme = await store.transaction(async transaction => {
        const made = await createTheme(transaction, call.tenant, given, call.now)
        if (made === 'taken') throw new ManagementFault(409, 'theme_already_exists', 'There is a theme already.')
        await note(transaction, call, 'theme', made.id, 'created', null, made.document)
        return made
      })
      return { status: 201, body: theme.document }
    },
  }),

  operation({
    method: 'GET',
    path: '/branding/themes/default',
    summary: 'Read the theme of pages',
    scopes: ['read:branding'],
    answers: { 200: KEPT_THEME },
    async run({ tenant }, { store }) {
      const theme = await findTheme(store, tenant)
      if (!theme) throw none()
      return { status: 200, body: theme.document }
    },
  }),

  operation({
    method: 'GET',
    path: '/branding/themes/:id',
    summary: 'Read a theme',
    scopes: ['read:branding'],
    answers: { 200: KEPT_THEME },
    async run({ tenant, path }, { store }) {
      return { status: 200, body: named(await findTheme(store, tenant), path('id')).document }
    },
  }),

  operation({
    method: 'PATCH',
    path: '/branding/themes/:id',
    summary: 'Make a theme anew',
    scopes: ['update:branding'],
    body: THEME,
    answers: { 200: KEPT_THEME },
    async run(call, { store }) {
      const given = readTheme(call.body as JsonObject)
      const document = await store.transaction(async transaction => {
        await transaction.tenants.hold(call.tenant)
        const before = named(await findTheme(transaction, call.tenant), call.path('id'))
        const after = { displayName: 'Theme', ...given, themeId: before.id }
        await putTheme(transaction, call.tenant, { id: before.id, document: after }, call.now)
        await note(transaction, call, 'theme', before.id, 'changed', before.document, after)
        return after
      })
      return { status: 200, body: document }
    },
  }),

  operation({
    method: 'DELETE',
    path: '/branding/themes/:id',
    summary: 'Remove a theme',
    scopes: ['delete:branding'],
    answers: { 204: null },
    async run(call, { store }) {
      await store.transaction(async transaction => {
        await transaction.tenants.hold(call.tenant)
        const before = named(await findTheme(transaction, call.tenant), call.path('id'))
        await removeTheme(transaction, call.tenant)
        await note(transaction, call, 'theme', before.id, 'removed', before.document, null)
      })
      return { status: 204 }
    },
  }),
]

async function note(
  { events }: Transaction,
  { client, occasion }: Pick<Call<unknown, unknown>, 'client' | 'occasion'>,
  kind: Managed,
  id: string,
  change: 'created' | 'changed' | 'removed',
  before: JsonObject | null,
  after: JsonObject | null,
): Promise<void> {
  const by = { client: client.id }
  await events.record(managedUnlessSame(occasion, by, kind, id, change, changesBetween(before, after)))
}

function named(theme: Theme | undefined, id: string): Theme {
  if (theme?.id !== id) throw none()
  return theme
}

const none = () => notFound('inexistent_theme', 'There is no such theme.')
