/** `response_type`: what a client may ask `/authorize` to answer with, as a set of members in any order. */

/** OAuth 2.0 Multiple Response Type Encoding Practices §3 and §5, RFC 6749 §3.1.1; written as they are registered. */
export const RESPONSE_TYPES = [
  'code',
  'token',
  'id_token',
  'id_token token',
  'code id_token',
  'code token',
  'code id_token token',
] as const

export type ResponseType = (typeof RESPONSE_TYPES)[number]
export type ResponseMember = 'code' | 'token' | 'id_token'

const membersOf = (responseType: string): string[] => responseType.split(' ').sort()

const inEveryOrder = (members: readonly string[]): string[] =>
  members.length < 2
    ? [...members]
    : members.flatMap((member, place) => inEveryOrder(members.toSpliced(place, 1)).map(rest => `${member} ${rest}`))

/** Every way to write one of them. */
export const RESPONSE_TYPE_SPELLINGS: readonly string[] = RESPONSE_TYPES.flatMap(type => inEveryOrder(membersOf(type)))

/** As it is registered, whatever the order (RFC 6749 §3.1.1). Undefined for one that is not. */
export function knownResponseType(asked: string): ResponseType | undefined {
  const wanted = membersOf(asked).join(' ')
  return RESPONSE_TYPES.find(type => membersOf(type).join(' ') === wanted)
}

export const answersWith = (responseType: string, member: ResponseMember): boolean =>
  membersOf(responseType).includes(member)

/** The types of which each member is one of these. */
export const responseTypesOf = (members: readonly ResponseMember[]): readonly ResponseType[] =>
  RESPONSE_TYPES.filter(type => membersOf(type).every(member => members.some(one => one === member)))

/**
 * Whether the answer holds a token, which no query may carry: it would stand in logs and in the `Referer` of whatever
 * the page loads (Multiple Response Type Encoding Practices §3.0 and §5).
 */
export const carriesToken = (responseType: string): boolean =>
  answersWith(responseType, 'token') || answersWith(responseType, 'id_token')
