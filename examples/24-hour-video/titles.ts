/**
 * The list of films, in memory: what a title may be, and how many are kept. A film has no file; the page draws it
 * from the id, whose first word is its scene (public/scenes.js).
 */
import { randomInt, randomUUID } from 'node:crypto'

export const SCENES = ['sea', 'peaks', 'city', 'dunes', 'forest'] as const

export interface Title {
  readonly id: string
  readonly title: string
  /** In other languages, where we know better than to translate. */
  readonly titles?: Readonly<Record<string, string>>
}

export interface Titles {
  /** Newest first. */
  list(): readonly Title[]
  /** @throws RangeError for a title that is empty, too long, or not one line of text. */
  add(title: unknown): Title
}

const MAXIMUM_CHARACTERS = 80
/** Anyone may sign up and upload; the oldest film leaves before memory grows. */
const MAXIMUM_TITLES = 200

const FIRST: readonly Title[] = [
  { id: 'sea-lighthouse', title: 'The lighthouse keeper’s day off', titles: { ko: '등대지기의 쉬는 날' } },
  { id: 'city-last-tram', title: 'Last tram, first tram', titles: { ko: '막차에서 첫차까지' } },
  { id: 'peaks-snowline', title: 'Above the snow line', titles: { ko: '설선 너머' } },
  { id: 'dunes-slow', title: 'A dune moves one metre', titles: { ko: '사구가 1미터를 가는 동안' } },
  { id: 'forest-mist', title: 'Mist, leaving', titles: { ko: '걷히는 안개' } },
  { id: 'sea-ferry', title: 'Waiting for the ferry', titles: { ko: '배를 기다리며' } },
]

export function createTitles(): Titles {
  let titles = FIRST
  return {
    list: () => titles,
    add(text) {
      const title: Title = { id: `${SCENES[randomInt(SCENES.length)]}-${randomUUID()}`, title: readTitle(text) }
      titles = [title, ...titles].slice(0, MAXIMUM_TITLES)
      return title
    },
  }
}

/** Control, format (such as those that turn the writing direction) and unassigned characters have no place in a title. */
function readTitle(text: unknown): string {
  const title = typeof text === 'string' ? text.normalize('NFC').trim() : ''
  if (title === '' || [...title].length > MAXIMUM_CHARACTERS || /[\p{C}\p{Zl}\p{Zp}]/u.test(title))
    throw new RangeError(`a title is one line of 1 to ${MAXIMUM_CHARACTERS} characters`)
  return title
}
