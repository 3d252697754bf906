/** `fields` and `include_fields`: which members of what is answered are wanted, or unwanted. */
import Type from 'typebox'

export const FIELDS_QUERY = {
  fields: Type.Optional(Type.String({ maxLength: 2000 })),
  include_fields: Type.Optional(Type.Boolean()),
}

interface FieldsQuery {
  readonly fields?: string | undefined
  readonly include_fields?: boolean | undefined
}

/** Answers what leaves each document with the members that were asked for. Names that it does not have ask for nothing. */
export function fieldsOf({
  fields,
  include_fields: areWanted = true,
}: FieldsQuery): <T extends object>(document: T) => Partial<T> {
  if (fields === undefined) return document => document
  const names = new Set(fields.split(',').map(name => name.trim()))
  return <T extends object>(document: T) =>
    Object.fromEntries(Object.entries(document).filter(([name]) => names.has(name) === areWanted)) as Partial<T>
}
