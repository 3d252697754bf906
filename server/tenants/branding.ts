/**
 * How a tenant's pages look, under Auth0's names: in one member of the settings, and the theme, which is a document of
 * its own. This is for who changes either; what pages take of them is `look.ts`.
 */
import { DocumentFault, mustBeSound } from '../config/document-fault.ts'
import type { Members } from '../config/members.ts'
import type { Instant } from '../kernel/clock.ts'
import { newObjectId } from '../kernel/ids.ts'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'
import type { DocumentRecord } from '../store/documents.ts'
import type { Transaction } from '../store/store.ts'
import { brandingToWire, isSolid, THEME, THEME_DOCUMENT, type Theme, toTheme } from './look.ts'
import { rewriteSettings } from './settings.ts'

export const BRANDING = {
  colors: {
    is: 'object',
    optional: true,
    members: {
      primary: { is: 'any', optional: true, check: checkColour },
      page_background: { is: 'any', optional: true, check: checkBackground },
    },
  },
  logo_url: { is: 'any', optional: true, check: checkPicture },
  favicon_url: { is: 'any', optional: true, check: checkPicture },
  font: { is: 'object', optional: true, members: { url: { is: 'any', optional: true, check: checkPicture } } },
} as const satisfies Members

const LONGEST_URL = 2048
const ANY_COLOUR = /^#(?:[0-9a-f]{3}|[0-9a-f]{6}|[0-9a-f]{8})$/i

/** A change of the branding. Throws `DocumentFault`. */
export function readBranding(given: JsonObject): JsonObject {
  const [unknown] = Object.keys(given).filter(name => !Object.hasOwn(BRANDING, name))
  if (unknown !== undefined) throw new DocumentFault('There is no such member of branding.', [unknown.slice(0, 100)])
  mustBeSound(BRANDING, given)
  if (JSON.stringify(given).length > 16 * 1024) throw new DocumentFault('branding is longer than 16 KiB.')
  return given
}

/** Answers the branding as it was and as it is. A null takes a member back; colours are changed one by one. */
export async function changeBranding(
  transaction: Transaction,
  tenant: string,
  change: JsonObject,
): Promise<{ readonly before: JsonObject; readonly after: JsonObject }> {
  const { before, after } = await rewriteSettings(transaction, tenant, settings => ({
    ...settings,
    branding: withChange(brandingToWire(settings), change),
  }))
  return { before: brandingToWire(before), after: brandingToWire(after) }
}

export function withChange(before: JsonObject, change: JsonObject): JsonObject {
  const after: Record<string, JsonValue> = {}
  for (const [name, value] of Object.entries({ ...before, ...change })) {
    if (value === null || value === undefined) continue
    const old = before[name]
    after[name] = isObject(value) && isObject(old) && value !== old ? withChange(old, value) : value
  }
  return after
}

/** Auth0's members of a theme, all of which it wants. */
const THEME_PARTS = ['borders', 'colors', 'fonts', 'page_background', 'widget'] as const
const LONGEST_THEME = 32 * 1024

/** A whole theme, as it was given. Throws `DocumentFault`. */
export function readTheme(given: JsonObject): JsonObject {
  for (const part of THEME_PARTS)
    if (!isObject(given[part])) throw new DocumentFault(`${part} is missing, or no object.`, [part])
  const [unknown] = Object.keys(given).filter(name => ![...THEME_PARTS, 'displayName', 'identifiers'].includes(name))
  if (unknown !== undefined) throw new DocumentFault('There is no such member of a theme.', [unknown.slice(0, 100)])
  const { colors, widget, page_background: page, fonts } = given as Readonly<Record<string, JsonObject>>
  for (const [name, value] of Object.entries(colors ?? {}))
    if (name !== 'captcha_widget_theme') must(checkThemeColour(value ?? null, name), ['colors', name])
  must(checkPicture(widget?.['logo_url'] ?? null, 'logo_url'), ['widget', 'logo_url'])
  must(checkPicture(fonts?.['font_url'] ?? null, 'font_url'), ['fonts', 'font_url'])
  must(checkPicture(page?.['background_image_url'] ?? null, 'background_image_url'), [
    'page_background',
    'background_image_url',
  ])
  const { displayName } = given
  if (displayName !== undefined && (typeof displayName !== 'string' || displayName.length > 2048))
    throw new DocumentFault('displayName must be text of at most 2048 characters.', ['displayName'])
  if (JSON.stringify(given).length > LONGEST_THEME) throw new DocumentFault('The theme is longer than 32 KiB.')
  return given
}

function must(problem: string | undefined, path: readonly string[]): void {
  if (problem !== undefined) throw new DocumentFault(problem, path)
}

/** `taken` where there is one: it can be changed. */
export async function createTheme(
  { documents, announce }: Transaction,
  tenant: string,
  theme: JsonObject,
  now: Instant,
): Promise<Theme | 'taken'> {
  const document = { displayName: 'Theme', ...theme, themeId: newObjectId() }
  const record = documentOf(tenant, document, now)
  if ((await documents.create(record)) === 'taken') return 'taken'
  announce({ topic: 'tenant', tenant, id: tenant })
  return toTheme(record)
}

export async function putTheme(
  { documents, announce }: Transaction,
  tenant: string,
  theme: Theme,
  now: Instant,
): Promise<void> {
  await documents.put(documentOf(tenant, { ...theme.document, themeId: theme.id }, now))
  announce({ topic: 'tenant', tenant, id: tenant })
}

export async function removeTheme({ documents, announce }: Transaction, tenant: string): Promise<void> {
  await documents.remove({ tenant, kind: THEME_DOCUMENT, id: THEME })
  announce({ topic: 'tenant', tenant, id: tenant })
}

const documentOf = (tenant: string, data: JsonObject, now: Instant): DocumentRecord => ({
  tenant,
  kind: THEME_DOCUMENT,
  id: THEME,
  data,
  sealed: null,
  createdAt: now,
  updatedAt: now,
})

function checkColour(value: JsonValue, name: string): string | undefined {
  return value === null || isSolid(value) ? undefined : `${name} must be a colour such as "#0f6b4f".`
}

function checkThemeColour(value: JsonValue, name: string): string | undefined {
  return typeof value === 'string' && ANY_COLOUR.test(value) ? undefined : `${name} must be a colour such as "#0f6b4f".`
}

/** A colour, or a gradient of two, which pages have no place for. */
function checkBackground(value: JsonValue, name: string): string | undefined {
  if (value === null || isObject(value)) return undefined
  return checkThemeColour(value, name)
}

/** Fetched by the browser of whoever looks at a page: over https, or over http on a developer's machine. */
function checkPicture(value: JsonValue, name: string): string | undefined {
  if (value === null || value === '') return undefined
  const url = typeof value === 'string' && value.length <= LONGEST_URL ? URL.parse(value) : null
  return url && /^https?:$/.test(url.protocol) && url.username === ''
    ? undefined
    : `${name} must be an http or https URL of at most ${LONGEST_URL} characters.`
}
