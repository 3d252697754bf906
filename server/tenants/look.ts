/**
 * What pages take of a tenant's branding and theme: the colour of buttons and links, the logo and the icon. What else the
 * two may say, and how they are changed, is `branding.ts`'s.
 */
import { isObject, type JsonObject } from '../kernel/json.ts'
import type { DocumentRecord } from '../store/documents.ts'
import type { Nouns } from '../store/store.ts'

/** Null where the tenant does not say. */
export interface Look {
  readonly accent: string | null
  readonly logoUrl: string | null
  readonly faviconUrl: string | null
}

/** In `store/documents.ts`: one, as with Auth0, which lists no others. */
export const THEME_DOCUMENT = 'branding-theme'
export const THEME = 'default'

export interface Theme {
  readonly id: string
  readonly document: JsonObject
}

export const toTheme = ({ data }: DocumentRecord): Theme => ({
  id: String(data['themeId']),
  document: data,
})

export async function findTheme({ documents }: Nouns, tenant: string): Promise<Theme | undefined> {
  const found = await documents.find({ tenant, kind: THEME_DOCUMENT, id: THEME })
  return found && toTheme(found)
}

export const brandingToWire = (settings: JsonObject): JsonObject =>
  isObject(settings['branding']) ? settings['branding'] : {}

/** What the theme says goes before what the branding does: whoever made one looked at it. */
export function lookOf(settings: JsonObject, theme: JsonObject | undefined): Look {
  const { colors, logo_url: logo, favicon_url: favicon } = brandingToWire(settings)
  const { colors: themeColours, widget } = (theme ?? {}) as Readonly<Record<string, JsonObject | undefined>>
  const own = settings['colors']
  const accent = [
    themeColours?.['primary_button'],
    isObject(colors) ? colors['primary'] : undefined,
    // As a tenant file of ours has said it from the first.
    isObject(own) ? own['primary'] : undefined,
  ].find(isSolid)
  return {
    accent: accent ?? null,
    logoUrl: [widget?.['logo_url'], logo, settings['picture_url']].find(isText) ?? null,
    faviconUrl: isText(favicon) ? favicon : null,
  }
}

const COLOUR = /^#[0-9a-f]{6}$/i
const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
export const isSolid = (value: unknown): value is string => typeof value === 'string' && COLOUR.test(value)
