/** What an application notes about something of a person's: text under names of its own choice, and not very much of it. */
import Type, { type Static } from 'typebox'
import type { JsonObject } from '../kernel/json.ts'

const MOST = 25

/** Null takes all of it away, and so does an empty one: what is given is all there is from then on. */
export const METADATA = Type.Union([
  Type.Null(),
  Type.Record(Type.String({ minLength: 1, maxLength: 255 }), Type.String({ maxLength: 255 }), { maxProperties: MOST }),
])

export const metadataFrom = (given: Static<typeof METADATA>): JsonObject | null =>
  given === null || Object.keys(given).length === 0 ? null : given
