/** The claims of OpenID Connect Core §5.1: of which type each has to be, wherever it is said. */

type Claims = Readonly<Record<string, unknown>>
type Fits = (value: unknown, nowSeconds: number) => boolean

const FIRST_UPDATE = Date.UTC(1990, 0) / 1000

const isText: Fits = value => typeof value === 'string' && value.trim() !== '' && value !== 'null'
const isFlag: Fits = value => typeof value === 'boolean'
/** §5.1.1 */
const isAddress: Fits = value =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every(part => isText(part, 0))

const isBirthdate: Fits = (value, nowSeconds) => {
  const [, year, month, day] = /^(\d{4})(?:-(\d\d)-(\d\d))?$/.exec(String(value)) ?? []
  const thisYear = new Date(nowSeconds * 1000).getUTCFullYear()
  const isYear = Number(year) >= 1850 && Number(year) <= thisYear
  if (month === undefined) return isYear
  // A leap year stands in for the year that is left out.
  const date = new Date(`${year === '0000' ? '2000' : year}-${month}-${day}T00:00:00Z`)
  return (isYear || year === '0000') && date.toJSON()?.slice(8, 10) === day
}

export const isUpdateTime: Fits = (value, nowSeconds) =>
  typeof value === 'number' && value >= FIRST_UPDATE && value <= nowSeconds

/** By the scope that opens them (§5.4). */
const OPENED_BY = {
  profile: {
    name: isText,
    given_name: isText,
    family_name: isText,
    middle_name: isText,
    nickname: isText,
    preferred_username: isText,
    profile: isText,
    picture: isText,
    website: isText,
    gender: isText,
    birthdate: isBirthdate,
    zoneinfo: isText,
    locale: isText,
    updated_at: isUpdateTime,
  },
  email: { email: isText, email_verified: isFlag },
  address: { address: isAddress },
  phone: { phone_number: isText, phone_number_verified: isFlag },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Fits>>>>

export type Scope = keyof typeof OPENED_BY

export const claimsOfScope = (scope: Scope): readonly string[] => Object.keys(OPENED_BY[scope])

const STANDARD_CLAIMS: ReadonlyMap<string, Fits> = new Map(
  Object.values(OPENED_BY).flatMap(claims => Object.entries<Fits>(claims)),
)

/** Those that are there and not of their type, with what they are. */
export const mistyped = (claims: Claims, nowSeconds: number): Claims =>
  Object.fromEntries(
    Object.entries(claims).filter(([name, value]) => STANDARD_CLAIMS.get(name)?.(value, nowSeconds) === false),
  )
