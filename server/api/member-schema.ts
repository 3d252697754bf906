/** The schema of a document that a table of members describes (`config/members.ts`): the same table checks tenant files. */
import Type, { type TSchema } from 'typebox'
import type { Member, Members } from '../config/members.ts'

function schemaOf(member: Member): TSchema {
  switch (member.is) {
    case 'text':
      return member.oneOf ? Type.Union(member.oneOf.map(value => Type.Literal(value))) : Type.String()
    case 'texts':
      return Type.Array(member.oneOf ? Type.Union(member.oneOf.map(value => Type.Literal(value))) : Type.String())
    case 'url':
      return Type.String()
    case 'urls':
      return Type.Array(Type.String())
    case 'boolean':
      return Type.Boolean()
    case 'seconds':
    case 'count':
      return Type.Integer({ minimum: 0 })
    case 'hours':
      return Type.Number()
    case 'any':
      return Type.Unknown()
    case 'object':
      return Type.Object(memberSchemas(member.members))
  }
}

/** Each may be left out or null, which is to have it unset. */
export const memberSchemas = (members: Members): Record<string, TSchema> =>
  Object.fromEntries(
    Object.entries(members).map(([name, member]) => [
      name,
      Type.Optional(member.is === 'any' ? Type.Unknown() : Type.Union([schemaOf(member), Type.Null()])),
    ]),
  )
