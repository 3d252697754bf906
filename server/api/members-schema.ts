/** Members of a document, as the verbs below check them, in the words of a schema: for the description, and for no check. */
import Type, { type TProperties, type TSchema } from 'typebox'
import type { Member, Members } from '../config/members.ts'

/** Every member may be left out or null: which may not is the verb's to say, in a sentence. */
export const describedBy = (members: Members) => Type.Object(propertiesOf(members))

const propertiesOf = (members: Members): TProperties =>
  Object.fromEntries(
    Object.entries(members).map(([name, member]) => [
      name,
      Type.Optional(Type.Unsafe({ ...schemaOf(member), description: FORMS[member.is] })),
    ]),
  )

const FORMS: Readonly<Record<Member['is'], string>> = {
  text: 'A text.',
  texts: 'A list of texts.',
  boolean: 'True or false.',
  url: 'A URL.',
  urls: 'A list of URLs.',
  seconds: 'A whole number of seconds.',
  hours: 'A number of hours.',
  count: 'A whole number above 0.',
  any: 'Of a form that the answer names where another is sent.',
  object: 'An object.',
}

function schemaOf(member: Member): TSchema {
  if (member.is === 'object') return Type.Object(propertiesOf(member.members))
  const { oneOf } = member as { readonly oneOf?: readonly string[] }
  if (member.is === 'text' && oneOf) return Type.Enum([...oneOf])
  return Type.Unknown()
}
