/**
 * Refresh tokens: given with `offline_access`, rotated with reuse detection, and never a race. The newest token
 * always works; the one before it yields the same successor again while that successor has never been used,
 * because then the answer may have been lost; anything older means that two hold the family, and ends it.
 */
import { refreshed, refreshRepeated, refreshReused } from '../../audit/events.ts'
import { type Client, isPublic } from '../../clients/metadata.ts'
import type { Parameters } from '../../http/parameters.ts'
import { ProtocolError } from '../../kernel/errors.ts'
import { LONGEST_TOKEN_LIFE } from '../../policy/lifetimes.ts'
import { answersWith } from '../../policy/response-types.ts'
import { revokeAuthorization } from '../../revocation/revoke.ts'
import type { AuthorizationRecord, Standing } from '../../store/authorizations.ts'
import type { FamilyRecord } from '../../store/families.ts'
import type { Transaction } from '../../store/store.ts'
import { userinfoAudience } from '../../tokens/access-token.ts'
import {
  familyHash,
  formatRefreshToken,
  isGenuine,
  newFamily,
  parseRefreshToken,
  type RefreshToken,
} from '../../tokens/refresh-token.ts'
import { chooseAudience } from '../audiences.ts'
import type { Entitlement, Feature, Presented, TokenContext } from '../feature.ts'
import { passTheGate } from '../gate.ts'
import { REFRESH_PURPOSE } from '../refresh-families.ts'
import { lastingOf } from '../requested-claims.ts'

const SCOPE = 'offline_access'

export const refreshToken: Feature = {
  name: 'refresh-token',
  spec: 'RFC 6749 §6, RFC 9700 §4.14',
  metadata: () => ({ scopes_supported: [SCOPE] }),
  steps: {
    'authorize.validate': ({ client, apis, incoming, responseType, scopes, allow }) => {
      const isAllowed = client.grantTypes.includes('refresh_token') && apis.every(api => api.allowsOfflineAccess)
      // Without a code there is nothing that a refresh token would come for (OpenID Connect Core §11).
      if (scopes.includes(SCOPE) && isAllowed && answersWith(responseType, 'code'))
        allow(userinfoAudience(incoming.issuer), [SCOPE])
    },
    'token.ask': ({ client, api, issuer, allow }) => {
      const isAllowed = client.grantTypes.includes('refresh_token') && (api?.allowsOfflineAccess ?? true)
      if (isAllowed) allow(userinfoAudience(issuer), [SCOPE])
    },
    'token.bind': giveFamily,
  },
  grant: { type: 'refresh_token', present, redeem },
}

/** With a new authorization the first token of a new family, written in the transaction that spends what was presented. */
async function giveFamily(context: TokenContext): Promise<void> {
  const { services, issuer, tenant, client, presented, now, writes, answer } = context
  if (!presented.audiences?.[userinfoAudience(issuer)]?.includes(SCOPE)) return
  const key = await services.keyring.secret(tenant, REFRESH_PURPOSE)
  const expiresAt = now + client.refresh.lifetime
  await services.keyring.noteUse(tenant, key.id, expiresAt)

  const token: RefreshToken = { keyId: key.id, family: newFamily(), generation: 0 }
  writes.push(async (transaction, authorization) => {
    await transaction.families.create({
      tenant,
      hash: familyHash(token.family),
      authorization: authorization.id,
      client: client.id,
      user: authorization.subject,
      userEpoch: authorization.userEpoch,
      clientEpoch: authorization.clientEpoch,
      generation: token.generation,
      keyId: key.id,
      state: 'live',
      rotatedAt: now,
      createdAt: now,
      idleExpiresAt: Math.min(now + client.refresh.idleLifetime, expiresAt),
      expiresAt,
      metadata: null,
    })
    await transaction.authorizations.extend(tenant, authorization.id, expiresAt + LONGEST_TOKEN_LIFE)
  })
  answer['refresh_token'] = formatRefreshToken(token, { tenant, client: client.id }, key.key)
}

interface PresentedRefresh extends Presented {
  readonly token: RefreshToken
  readonly key: Uint8Array
}

/** Genuine, and this client's: decided in memory, before the store is asked anything. */
async function present({
  services,
  tenant,
  client,
  parameters,
}: Omit<TokenContext, 'presented'>): Promise<PresentedRefresh> {
  const text = parameters.get('refresh_token')
  if (text === undefined) throw new ProtocolError('invalid_request', 'refresh_token is missing.')
  const parsed = parseRefreshToken(text)
  const secret = parsed && (await services.keyring.secretById(tenant, REFRESH_PURPOSE, parsed.token.keyId))
  if (!parsed || !secret || !isGenuine(parsed, { tenant, client: client.id }, secret.key)) throw invalidToken()
  return { request: null, token: parsed.token, key: secret.key }
}

async function redeem(context: TokenContext): Promise<Entitlement> {
  const { services, tenant, client, parameters, now, answer } = context
  const { token, key } = context.presented as PresentedRefresh

  const redeemed = await services.store.transaction(async transaction => {
    const found = await advance(transaction, context, token)
    // Throws what takes the rotation back: a client that asks too much keeps its token.
    return found && { ...found, ...readWishes(parameters, found.standing.authorization, context.issuer) }
  })
  if (!redeemed) throw invalidToken()
  const { family, standing, audience, narrowTo } = redeemed
  const { id, audiences, session, proofs, request } = standing.authorization
  const active = await passTheGate(services, client, standing, session !== null, now)
  answer['refresh_token'] = formatRefreshToken(
    { ...token, generation: family.generation },
    { tenant, client: client.id },
    key,
  )
  return { active, authorization: id, audiences, audience, narrowTo, session, proofs, lasting: lastingOf(request) }
}

/** RFC 6749 §6: not more than was granted, to this issuer and the API meant; fewer scopes are for this token alone. */
function readWishes(parameters: Parameters, { audiences, request }: AuthorizationRecord, issuer: string) {
  const scopes = parameters.get('scope')?.split(' ').filter(Boolean) ?? null
  const audience = chooseAudience(parameters, audiences, String(request['audience']))
  const granted = [userinfoAudience(issuer), audience].flatMap(one => audiences[one] ?? [])
  if (scopes?.some(scope => !granted.includes(scope)))
    throw new ProtocolError('invalid_scope', 'The authorization does not hold every scope that is asked for.')
  return { audience, narrowTo: scopes }
}

interface Redeemed {
  readonly family: FamilyRecord
  readonly standing: Standing
}

/** The usual way: one conditional update, one read, one event row. Undefined for a token that counts no more. */
async function advance(
  transaction: Transaction,
  context: TokenContext,
  token: RefreshToken,
): Promise<Redeemed | undefined> {
  const { tenant, client, occasion, now } = context
  const { rotates, idleLifetime } = client.refresh
  const hash = familyHash(token.family)
  const family = await transaction.families.redeem({
    tenant,
    hash,
    client: client.id,
    generation: token.generation,
    now,
    idleExpiresAt: now + idleLifetime,
    advance: rotates,
  })
  if (!family) return repeat(transaction, context, token, hash)
  const [standing] = await Promise.all([
    transaction.authorizations.standing(tenant, family.authorization),
    transaction.events.record([refreshed(occasion, client.id, family.user, family.authorization, family.generation)]),
  ])
  return standing && { family, standing }
}

/** The update did not apply: the same successor again, a reuse that ends the family, or a family that is over. */
async function repeat(
  transaction: Transaction,
  context: TokenContext,
  token: RefreshToken,
  hash: string,
): Promise<Redeemed | undefined> {
  const { tenant, client, occasion, now } = context
  const family = await transaction.families.find(tenant, hash)
  const standing = family && (await transaction.authorizations.standing(tenant, family.authorization))
  if (!family || !standing || family.client !== client.id) return undefined
  // Over already, or from before a backup was restored: nothing is proven against anybody.
  if (
    family.state !== 'live' ||
    now >= family.expiresAt ||
    now >= family.idleExpiresAt ||
    token.generation >= family.generation
  )
    return undefined

  if (mayRepeat(client, family, token, now)) {
    await transaction.events.record([
      refreshRepeated(occasion, client.id, family.user, family.authorization, family.generation),
    ])
    return { family, standing }
  }
  await transaction.families.kill(tenant, hash)
  await revokeAuthorization(transaction, standing.authorization, now)
  await transaction.events.record([
    refreshReused(occasion, client.id, family.user, family.authorization, token.generation),
  ])
  return undefined
}

/**
 * The generation just before the newest, which therefore has never been presented. A client that proved a
 * secret may come back for it at any time; one that proved nothing has the leeway.
 */
const mayRepeat = (client: Client, family: FamilyRecord, token: RefreshToken, now: number): boolean =>
  client.refresh.rotates &&
  token.generation === family.generation - 1 &&
  (!isPublic(client) || now - family.rotatedAt <= client.refresh.leeway)

/** Auth0's wording: its SDKs fall back to a silent sign-in when they read it. */
const invalidToken = (): ProtocolError => new ProtocolError('invalid_grant', 'Unknown or invalid refresh token.')
