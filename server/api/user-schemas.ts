/** What a user is on the wire of the Management API, for its description. */
import Type from 'typebox'

const text = Type.Optional(Type.String())

export const IDENTITY = Type.Object({
  connection: Type.String(),
  user_id: Type.String(),
  provider: Type.String(),
  isSocial: Type.Boolean(),
  profileData: Type.Optional(Type.Object({}, { additionalProperties: true })),
})

/** All are optional, as `fields` chooses among them; claims of the profile stand beside them. */
export const USER = Type.Object(
  {
    user_id: text,
    email: text,
    email_verified: Type.Optional(Type.Boolean()),
    username: text,
    phone_number: text,
    phone_verified: Type.Optional(Type.Boolean()),
    name: text,
    nickname: text,
    given_name: text,
    family_name: text,
    picture: text,
    identities: Type.Optional(Type.Array(IDENTITY)),
    app_metadata: Type.Optional(Type.Object({}, { additionalProperties: true })),
    user_metadata: Type.Optional(Type.Object({}, { additionalProperties: true })),
    blocked: Type.Optional(Type.Boolean()),
    created_at: text,
    updated_at: text,
    last_login: text,
    last_ip: text,
    logins_count: Type.Optional(Type.Integer()),
    last_password_reset: text,
  },
  { additionalProperties: true },
)
