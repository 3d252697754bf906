/**
 * The `claims` parameter: single claims, asked for by name and place. What they say of a person is opened as by the
 * scope that holds them, so a client of somebody else's has to be allowed that scope, though it gets no more than
 * the claims it named. Unknown claims are left out in silence (§5.5.1): essential ones too, but for `acr`.
 */
import { parseObject } from '@latchkey/sdk/strict-json'
import { ProtocolError } from '../../kernel/errors.ts'
import { isObject, type JsonObject, type JsonValue } from '../../kernel/json.ts'
import { userinfoAudience } from '../../tokens/access-token.ts'
import { CLAIMS_OF_SCOPE } from '../../tokens/claims.ts'
import type { Feature } from '../feature.ts'
import { rememberClaims, rememberedClaims } from '../requested-claims.ts'

/** In characters: all claims that are known, with reasons and values, are a third of it. */
const LONGEST = 8192

const SCOPE_OF_CLAIM: ReadonlyMap<string, string> = new Map(
  Object.entries(CLAIMS_OF_SCOPE).flatMap(([scope, claims]) => claims.map((claim): [string, string] => [claim, scope])),
)

export const claims: Feature = {
  name: 'claims',
  spec: 'OpenID Connect Core 1.0 §5.5',
  metadata: () => ({ claims_parameter_supported: true }),
  steps: {
    'authorize.validate': ({ parameters, scopes, incoming, draft, ask, expect }) => {
      const text = parameters.get('claims')
      // Without `openid` it is no OpenID Connect request, and the parameter one of those to be ignored.
      if (text === undefined || !scopes.includes('openid')) return
      const asked = parse(text)
      const names = { idToken: knownIn(asked.idToken), userinfo: knownIn(asked.userinfo) }
      const opening = new Set([...names.idToken, ...names.userinfo].map(name => SCOPE_OF_CLAIM.get(name) ?? name))
      ask(userinfoAudience(incoming.issuer), [...opening])
      rememberClaims(draft.lasting, names)

      // §5.5.1: a `sub` asked for by value is the person the request is about.
      for (const place of [asked.idToken, asked.userinfo]) {
        const subject = place.get('sub')?.value
        if (typeof subject === 'string') expect(subject)
      }
      draft.acr = essentialContexts(asked.idToken.get('acr'))
    },

    'token.shape': context => {
      context.idTokenClaims = rememberedClaims(context.entitlement.lasting).idToken
    },
  },
}

interface Wish {
  readonly essential: boolean
  readonly value: JsonValue | undefined
  readonly values: readonly JsonValue[]
}

type Wishes = ReadonlyMap<string, Wish>

const knownIn = (wishes: Wishes): string[] => [...wishes.keys()].filter(name => SCOPE_OF_CLAIM.has(name)).sort()

/** §5.5.1.1: `acr` is the one essential claim that an answer may not do without. */
function essentialContexts(wish: Wish | undefined): readonly string[] {
  if (!wish?.essential) return []
  return [...(wish.value === undefined ? [] : [wish.value]), ...wish.values].map(value => {
    if (typeof value !== 'string') throw malformed('asks for an acr that is not text')
    return value
  })
}

function parse(text: string): { idToken: Wishes; userinfo: Wishes } {
  const document = text.length > LONGEST ? undefined : (parseObject(Buffer.from(text)) as JsonObject | undefined)
  if (!document) throw malformed(`is not a JSON object of at most ${LONGEST} characters that has each name once`)
  return { idToken: wishesOf(document, 'id_token'), userinfo: wishesOf(document, 'userinfo') }
}

function wishesOf(document: JsonObject, place: string): Wishes {
  const wishes = Object.hasOwn(document, place) ? document[place] : null
  if (wishes === null || wishes === undefined) return new Map()
  if (!isObject(wishes)) throw malformed(`has no object under ${place}`)
  return new Map(Object.entries(wishes).map(([name, wish]) => [name, wishOf(wish ?? null)]))
}

/** §5.5.1: null is a voluntary claim without further wishes. */
function wishOf(wish: JsonValue): Wish {
  if (wish === null) return { essential: false, value: undefined, values: [] }
  if (!isObject(wish)) throw malformed('asks for a claim with something else than null or an object')
  const { essential = false, value, values = [] } = wish
  if (typeof essential !== 'boolean' || !Array.isArray(values))
    throw malformed('has an essential that is not true or false, or values that are no list')
  return { essential, value, values }
}

/** Never what was sent: descriptions have a small alphabet (RFC 6749 §5.2). */
const malformed = (how: string): ProtocolError => new ProtocolError('invalid_request', `The claims parameter ${how}.`)
