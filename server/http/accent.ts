/**
 * The tenant's colour, made legible. Branding names one accent per scheme; what text stands on it, how it looks
 * under the pointer and in which shade it may be text itself is computed here, so that no choice of colour makes
 * a page unreadable. The pages' own colours live in `login/assets/latchkey.css`.
 */

/** WCAG 2.2 §1.4.3, level AA: text against what it stands on. */
const LEGIBLE = 4.5

/** A large area is seen apart from its ground long before text on it could be read. */
const VISIBLE = 1.25

const WHITE = '#ffffff'
const BLACK = '#000000'

export type Scheme = 'light' | 'dark'

/** What text stands on in each scheme (`--paper`, `--card`), and the end to which an illegible accent is moved. */
export const grounds: Readonly<Record<Scheme, { paper: string; card: string; ink: string }>> = {
  light: { paper: '#f6f5f1', card: '#ffffff', ink: BLACK },
  dark: { paper: '#111513', card: '#181d1b', ink: WHITE },
}

/** Colours as branding gives them. One that is not `#rrggbb` is passed over: a typing error must not stop sign-ins. */
export interface Accent {
  readonly light?: string | undefined
  readonly dark?: string | undefined
}

/** The custom properties of one scheme, each `#rrggbb`. */
interface AccentShades {
  readonly accent: string
  readonly onAccent: string
  readonly accentHover: string
  readonly accentText: string
  /** Around a button that would otherwise vanish into the card. */
  readonly accentEdge: string
}

/** A style sheet of custom properties, or nothing. Only colours computed here enter it, never the text that was given. */
export function accentStyle(accent: Accent): string {
  return [declarations(accent.light, 'light'), declarations(accent.dark, 'dark')].join('')
}

/** Each scheme is fenced by its own query: an accent given for light pages alone must not colour the dark ones. */
function declarations(colour: string | undefined, scheme: Scheme): string {
  if (!colour || !isColour(colour)) return ''
  const { accent, onAccent, accentHover, accentText, accentEdge } = shadesOf(colour, scheme)
  return `@media (prefers-color-scheme:${scheme}){:root{--accent:${accent};--on-accent:${onAccent};--accent-hover:${accentHover};--accent-text:${accentText};--accent-edge:${accentEdge}}}`
}

/**
 * White text wins where it is legible: it is what people expect on a colour. Where it is not, black always is,
 * for no colour is closer than 4.5 to both. Hovering moves away from the text, so contrast only grows.
 */
export function shadesOf(colour: string, scheme: Scheme): AccentShades {
  const accent = colour.toLowerCase()
  const { paper, card, ink } = grounds[scheme]
  const onAccent = contrast(accent, WHITE) >= LEGIBLE ? WHITE : BLACK
  return {
    accent,
    onAccent,
    accentHover: mixed(accent, onAccent === WHITE ? BLACK : WHITE, 0.12),
    accentText: legible(accent, [paper, card], ink),
    accentEdge: contrast(accent, card) < VISIBLE ? mixed(card, ink, 0.45) : accent,
  }
}

/** The contrast ratio of two `#rrggbb` colours, 1 to 21 (WCAG 2.2, "contrast ratio"). */
export function contrast(one: string, other: string): number {
  const [lighter, darker] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number]
  return (lighter + 0.05) / (darker + 0.05)
}

export const isColour = (text: string): boolean => /^#[0-9a-f]{6}$/i.test(text)

/** The colour itself if it can be read on all grounds, otherwise the first step towards `end` that can. */
function legible(colour: string, on: readonly string[], end: string): string {
  for (let share = 0; share < 1; share += 0.05) {
    const shade = mixed(colour, end, share)
    if (on.every(ground => contrast(shade, ground) >= LEGIBLE)) return shade
  }
  return end
}

function mixed(colour: string, other: string, share: number): string {
  const others = channels(other)
  const mix = channels(colour).map((value, index) => Math.round(value + ((others[index] ?? 0) - value) * share))
  return `#${mix.map(value => value.toString(16).padStart(2, '0')).join('')}`
}

/** WCAG 2.2, "relative luminance", from 0 for black to 1 for white. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = channels(colour).map(value => {
    const share = value / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

const channels = (colour: string): number[] => [1, 3, 5].map(at => Number.parseInt(colour.slice(at, at + 2), 16))
