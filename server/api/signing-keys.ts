/** `/keys/signing`: the pairs that tokens are signed with, each with its certificate. Their life is `keys/rotation.ts`'s. */
import Type from 'typebox'
import type { Instant } from '../kernel/clock.ts'
import { digestsOf, inPkcs7 } from '../keys/certificate.ts'
import type { CertifiedKey, Keyring } from '../keys/keyring.ts'
import { PURPOSES, tokenSigning } from '../keys/purposes.ts'
import { notFound } from './fault.ts'
import { type Operation, operation } from './operation.ts'

const SIGNING_KEY = Type.Object({
  kid: Type.String(),
  alg: Type.String(),
  cert: Type.String(),
  pkcs7: Type.String(),
  fingerprint: Type.String(),
  thumbprint: Type.String(),
  current: Type.Boolean(),
  next: Type.Boolean(),
  previous: Type.Boolean(),
  revoked: Type.Boolean(),
  current_since: Type.Optional(Type.String()),
  current_until: Type.Optional(Type.String()),
  revoked_at: Type.Optional(Type.String()),
})
const NAMED = Type.Object({ kid: Type.String(), cert: Type.String() })

export const signingKeys: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/keys/signing',
    summary: 'List the keys that tokens are, will be and were signed with',
    scopes: ['read:signing_keys'],
    answers: { 200: Type.Array(SIGNING_KEY) },
    async run({ tenant, now }, { keyring }) {
      return { status: 200, body: (await shownKeys(keyring, tenant, now)).map(toWire) }
    },
  }),

  operation({
    method: 'POST',
    path: '/keys/signing/rotate',
    summary: 'Give the keys that sign successors, as soon as verifiers can know them',
    scopes: ['create:signing_keys', 'update:signing_keys'],
    answers: { 201: NAMED },
    async run({ tenant, client, occasion }, { keyring }) {
      const [first] = await keyring.algorithms(tenant)
      for (const algorithm of await keyring.algorithms(tenant)) {
        const { purpose, owner } = tokenSigning(tenant, algorithm)
        await keyring.rotate(tenant, { purpose, owner, algorithm }, { machine: client.id, occasion })
      }
      const keys = (await keyring.certified(tenant)).filter(({ algorithm }) => algorithm === first)
      const next = keys.find(({ state }) => state === 'announced') ?? keys.find(({ state }) => state === 'signing')
      if (!next) throw new Error(`tenant ${tenant} lost its signing key while it was rotated`)
      return { status: 201, body: { kid: next.id, cert: next.certificate } }
    },
  }),

  operation({
    method: 'GET',
    path: '/keys/signing/:kid',
    summary: 'Read a signing key',
    scopes: ['read:signing_keys'],
    answers: { 200: SIGNING_KEY },
    async run({ tenant, path, now }, { keyring }) {
      return { status: 200, body: toWire(await findKey(keyring, tenant, path('kid'), now)) }
    },
  }),

  operation({
    method: 'PUT',
    path: '/keys/signing/:kid/revoke',
    summary: 'Take a signing key out of use, and all that it signed with it',
    scopes: ['update:signing_keys'],
    answers: { 200: NAMED },
    async run({ tenant, path, client, now, occasion }, { keyring }) {
      const key = await findKey(keyring, tenant, path('kid'), now)
      await keyring.revoke(tenant, key.id, { machine: client.id, occasion })
      return { status: 200, body: { kid: key.id, cert: key.certificate } }
    },
  }),
]

const LIFE = PURPOSES['token-signing']
const ORDER = ['signing', 'announced', 'verifying', 'retired'] as const

/** Those that verifiers may still meet, and those that were revoked, for as long as others are remembered; RS256 first. */
async function shownKeys(keyring: Keyring, tenant: string, now: Instant): Promise<CertifiedKey[]> {
  const [first, keys] = [(await keyring.algorithms(tenant))[0], await keyring.certified(tenant)]
  const placeOf = ({ algorithm, state }: CertifiedKey) =>
    (algorithm === first ? 0 : ORDER.length) + ORDER.indexOf(state as (typeof ORDER)[number])
  return keys.filter(key => isShown(key, now)).sort((one, other) => placeOf(one) - placeOf(other))
}

const isShown = ({ state, stateSince }: CertifiedKey, now: Instant): boolean =>
  state !== 'retired' || (LIFE.kind === 'signature' && now < stateSince + LIFE.rememberFor)

/** Who retires by schedule is remembered until an instant; of a revoked one, or one that never signed, nothing is. */
const isRevoked = ({ state, dueAt }: CertifiedKey): boolean => state === 'retired' && dueAt === null

async function findKey(keyring: Keyring, tenant: string, kid: string, now: Instant): Promise<CertifiedKey> {
  const key = (await shownKeys(keyring, tenant, now)).find(({ id }) => id === kid)
  if (!key) throw notFound('inexistent_signing_key', 'The signing key does not exist.')
  return key
}

/** Under Auth0's names. */
const toWire = (key: CertifiedKey) => ({
  kid: key.id,
  alg: key.algorithm,
  cert: key.certificate,
  pkcs7: inPkcs7(key.certificate),
  ...digestsOf(key.certificate),
  current: key.state === 'signing',
  next: key.state === 'announced',
  previous: key.state === 'verifying',
  revoked: isRevoked(key),
  ...(key.state === 'signing' && { current_since: iso(key.stateSince) }),
  ...(key.state === 'verifying' && { current_until: iso(key.stateSince) }),
  ...(isRevoked(key) && { revoked_at: iso(key.stateSince) }),
})

const iso = (instant: Instant): string => new Date(instant).toISOString()
