/** The config plan: what the issuer says of itself, over http as these tests run and over https as the suite demands. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type RunningServer, startServer } from '../fixtures/server.ts'
import { checkKeySet } from './checks/key-set.ts'
import {
  isCanonicalLocale,
  isRegisteredLocale,
  type Metadata,
  mistypedMembers,
  unknownMembers,
} from './checks/metadata.ts'
import { isJson, readJson } from './checks/token-answer.ts'
import { insist } from './insist.ts'
import { onEachStage } from './stage.ts'

const SUFFIX = '.well-known/openid-configuration'
const RESPONSE_TYPES = ['code', 'id_token', 'id_token token', 'code id_token', 'code token', 'code id_token token']
/** RFC 6749 §3.3. */
const SCOPE = /^[\x21\x23-\x5B\x5D-\x7E]+$/

const isList = (value: unknown): value is readonly string[] => Array.isArray(value) && value.length > 0

onEachStage('The config plan', stage => {
  test('oidcc-discovery-endpoint-verification: what the issuer says of itself is sound', async () => {
    const address = new URL(SUFFIX, stage.issuer)
    const answer = await readJson(await fetch(address))
    insist('oidcc-discovery-endpoint-verification#answer', answer.status === 200 && isJson(answer), answer)
    const metadata: Metadata = answer.body ?? {}
    const list = (name: string) => metadata[name] as readonly string[] | undefined
    insist('oidcc-discovery-endpoint-verification#issuer', metadata['issuer'] + SUFFIX === address.href, metadata)

    const wrong = mistypedMembers(metadata)
    insist('oidcc-discovery-endpoint-verification#member-types', Object.keys(wrong).length === 0, wrong)
    const unknown = unknownMembers(metadata)
    insist('oidcc-discovery-endpoint-verification#unknown-members', unknown.length === 0, unknown)

    const types = list('response_types_supported')
    insist(
      'oidcc-discovery-endpoint-verification#response-types',
      types?.some(one => RESPONSE_TYPES.includes(one)) === true,
      types,
    )
    const subjects = list('subject_types_supported')
    insist(
      'oidcc-discovery-endpoint-verification#subject-types',
      subjects?.some(one => /^(?:public|pairwise)$/.test(one)) === true,
      subjects,
    )
    const algorithms = list('id_token_signing_alg_values_supported')
    insist('oidcc-discovery-endpoint-verification#rs256', algorithms?.includes('RS256') === true, algorithms)
    const forObjects = list('request_object_signing_alg_values_supported')
    insist('oidcc-discovery-endpoint-verification#request-objects', forObjects?.includes('RS256') ?? true, forObjects)
    const grants = metadata['grant_types_supported']
    insist('oidcc-discovery-endpoint-verification#grant-types', grants === undefined || isList(grants), grants)
    const methods = metadata['code_challenge_methods_supported']
    const isKnown = isList(methods) && methods.some(one => /^(?:S256|plain)$/.test(one))
    insist('oidcc-discovery-endpoint-verification#pkce', methods === undefined || isKnown, methods)

    insist('oidcc-discovery-endpoint-verification#claims-supported', isList(metadata['claims_supported']), metadata)
    insist('oidcc-discovery-endpoint-verification#userinfo', 'userinfo_endpoint' in metadata, metadata)
    const scopes = list('scopes_supported')
    insist('oidcc-discovery-endpoint-verification#scopes-supported', isList(scopes), scopes)
    insist('oidcc-discovery-endpoint-verification#openid', scopes.includes('openid'), scopes)
    insist(
      'oidcc-discovery-endpoint-verification#scope-characters',
      scopes.every(scope => SCOPE.test(scope)),
      scopes,
    )

    const locales = ['ui_locales_supported', 'claims_locales_supported'].flatMap(name => list(name) ?? [])
    insist('oidcc-discovery-endpoint-verification#locales', locales.every(isRegisteredLocale), locales)
    insist('oidcc-discovery-endpoint-verification#locale-casing', locales.every(isCanonicalLocale), locales)

    const keys = checkKeySet((await readJson(await fetch(String(metadata['jwks_uri'])))).body)
    insist('oidcc-discovery-endpoint-verification#key-set', keys.length > 0, keys)
  })
})

describe('The config plan, of an https issuer', () => {
  const ISSUER = 'https://login.example.com/'
  let server: RunningServer

  before(async () => {
    const environment = { LATCHKEY_ISSUER: ISSUER, LATCHKEY_TRUSTED_PROXIES: '127.0.0.1' }
    server = await startServer({ store: 'sqlite', environment })
  })
  after(() => server?.close())

  /** As a proxy asks that keeps the Host header, and as one that says it in a header of its own. */
  const proxies = {
    keeping: { host: new URL(ISSUER).host },
    saying: { host: '127.0.0.1', 'x-forwarded-host': new URL(ISSUER).host, 'x-forwarded-proto': 'https' },
  }
  async function askedBy(headers: Readonly<Record<string, string>>): Promise<Metadata> {
    const { statusCode, body } = await server.latchkey.http.inject({ url: `/${SUFFIX}`, headers })
    assert.equal(statusCode, 200)
    return JSON.parse(body) as Metadata
  }

  test('oidcc-discovery-endpoint-verification: an https issuer has https endpoints, behind a proxy too', async () => {
    for (const headers of Object.values(proxies)) {
      const metadata = await askedBy(headers)
      const { protocol, host, search, hash, username } = new URL(String(metadata['issuer']))
      const isBare = protocol === 'https:' && host !== '' && search + hash + username === ''
      insist('oidcc-discovery-endpoint-verification#issuer-form', isBare && metadata['issuer'] === ISSUER, metadata)
      const isOurs = (name: string) => String(metadata[name]).startsWith(ISSUER)
      insist('oidcc-discovery-endpoint-verification#authorization-endpoint', isOurs('authorization_endpoint'), metadata)
      insist('oidcc-discovery-endpoint-verification#token-endpoint', isOurs('token_endpoint'), metadata)
      insist('oidcc-discovery-endpoint-verification#userinfo-endpoint', isOurs('userinfo_endpoint'), metadata)
      const named = Object.keys(metadata).filter(name => /_endpoint$|_uri$/.test(name))
      insist('oidcc-discovery-endpoint-verification#endpoints', named.every(isOurs), metadata)
    }
  })

  test('oidcc-rp-initiated-logout-discovery-endpoint-verification: discovery says where to sign out', async () => {
    const metadata = await askedBy(proxies.keeping)
    const endpoint = metadata['end_session_endpoint']
    insist('oidcc-rp-initiated-logout-discovery-endpoint-verification#endpoint', endpoint !== undefined, metadata)
    const others = Object.entries(metadata).filter(([name]) => name.endsWith('_endpoint'))
    const areSecure = others.every(([, url]) => URL.parse(String(url))?.protocol === 'https:')
    insist('oidcc-rp-initiated-logout-discovery-endpoint-verification#https', areSecure, others)
  })
  const isSecure = (url: unknown): boolean => URL.parse(String(url))?.protocol === 'https:'

  test('oidcc-backchannel-logout-discovery-endpoint-verification: discovery says that applications are told by the server', async () => {
    const metadata = await askedBy(proxies.keeping)
    const { backchannel_logout_supported: told, backchannel_logout_session_supported: session } = metadata
    insist('oidcc-backchannel-logout-discovery-endpoint-verification#supported', told === true, metadata)
    insist('oidcc-backchannel-logout-discovery-endpoint-verification#session-supported', session === true, metadata)
    const endpoint = metadata['end_session_endpoint']
    insist('oidcc-backchannel-logout-discovery-endpoint-verification#endpoint', isSecure(endpoint), metadata)
  })

  test('oidcc-frontchannel-logout-discovery-endpoint-verification: discovery says that applications are told by the browser', async () => {
    const metadata = await askedBy(proxies.keeping)
    const { frontchannel_logout_supported: told, frontchannel_logout_session_supported: session } = metadata
    insist('oidcc-frontchannel-logout-discovery-endpoint-verification#supported', told === true, metadata)
    insist('oidcc-frontchannel-logout-discovery-endpoint-verification#session-supported', session === true, metadata)
    const endpoint = metadata['end_session_endpoint']
    insist('oidcc-frontchannel-logout-discovery-endpoint-verification#endpoint', isSecure(endpoint), metadata)
  })

  test('oidcc-session-management-discovery-endpoint-verification: discovery says which frame tells of the session', async () => {
    const metadata = await askedBy(proxies.keeping)
    const { check_session_iframe: frame, end_session_endpoint: endpoint } = metadata
    insist('oidcc-session-management-discovery-endpoint-verification#frame', isSecure(frame), metadata)
    insist('oidcc-session-management-discovery-endpoint-verification#endpoint', isSecure(endpoint), metadata)
  })
})
