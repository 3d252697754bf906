/**
 * A name or description that somebody else wrote (an application's, a tenant's) made fit to stand among our words.
 * Escaping for HTML belongs to the renderer.
 */

/** Longer names are cut: one nobody wrote for a person must not push the form off the page. */
const LONGEST_NAME = 80

/** A description is a sentence or two; nobody reads a longer one before deciding. */
const LONGEST_DESCRIPTION = 240

/** Control characters, and those that turn the direction of the text after them (Unicode UAX #9 §2). */
const INVISIBLE = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu

const FIRST_STRONG_ISOLATE = '\u2068'
const POP_DIRECTIONAL_ISOLATE = '\u2069'

/** On one line, without characters that act on the text around it, at most 80 characters long. */
export const shownName = (name: string): string => onOneLine(name, LONGEST_NAME)

/** The same for a description, or the scope without one, at most 240 long. Empty when nothing of it would be seen. */
export const shownDescription = (description: string): string => onOneLine(description, LONGEST_DESCRIPTION)

function onOneLine(text: string, longest: number): string {
  const characters = [...text.replace(INVISIBLE, ' ').replace(/\s+/g, ' ').trim()]
  return characters.length > longest ? `${characters.slice(0, longest - 1).join('')}…` : characters.join('')
}

/**
 * The name between U+2068 and U+2069, so that a right-to-left name leaves the words around it in their order.
 * Plain text is shown well as it is; a page turns the pair into `<bdi>`.
 */
export const isolatedName = (name: string): string =>
  `${FIRST_STRONG_ISOLATE}${shownName(name)}${POP_DIRECTIONAL_ISOLATE}`

/**
 * HTML's own form of the isolates. Its input is already escaped: this adds markup, it does not make text safe.
 * Browsers may break a line after `</bdi>`; the word joiner (U+2060) keeps a Korean particle or a full stop with
 * the name it belongs to.
 */
export const isolatesAsMarkup = (escaped: string): string =>
  escaped
    .replace(/\u2068/g, '<bdi>')
    .replace(/\u2069(?=\S)/g, '</bdi>\u2060')
    .replace(/\u2069/g, '</bdi>')
