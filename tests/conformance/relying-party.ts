/**
 * The relying party that the conformance suite plays, over bare HTTP: no library forgives anything or hides it. All
 * that is asked in every module (`checks/`) is asked here, each time an answer comes in; the rest is the modules'.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { Clock } from '../../server/kernel/clock.ts'
import { randomSecret } from '../../server/kernel/secrets.ts'
import { asserted, assertionClaims, signJws } from '../fixtures/client-assertion.ts'
import { readForms } from '../fixtures/html-form.ts'
import type { Person, Stop } from '../fixtures/person.ts'
import {
  checkAuthorizationError,
  checkCallback,
  type Members,
  type ResponseMode,
  type Sent,
} from './checks/callback.ts'
import { checkIdToken, type Expected, type IdToken } from './checks/id-token.ts'
import { checkKeySet, type Jwk } from './checks/key-set.ts'
import { checkSetUp, type Metadata } from './checks/metadata.ts'
import { checkTokenAnswer, type JsonAnswer, readJson, type TokenAnswer } from './checks/token-answer.ts'
import { insist } from './insist.ts'
import { PERSON, type SuiteClient } from './tenant.ts'

export interface Asked extends Sent {
  readonly parameters: URLSearchParams
  readonly url: URL
  readonly nonce: string | undefined
  readonly verifier: string | undefined
}

/** Which of the plans' flows is played. */
export interface Flow {
  readonly responseType: string
  readonly responseMode: ResponseMode
}

export interface Granted {
  readonly answer: TokenAnswer
  readonly idToken: IdToken
  readonly userinfo: Readonly<Record<string, unknown>>
}

/** What the authorization endpoint handed over by itself. */
interface InFront {
  readonly code: string | undefined
  readonly accessToken: string | undefined
  readonly idToken: IdToken | undefined
}

/** Of a flow without a code, `answer` is what came in front; where no access token comes, claims are told by the ID token. */
export interface Handed extends Granted {
  readonly front: InFront
  /** The ID token of the token endpoint, where there is one in front too; without a code the same one. */
  readonly behind: IdToken
  /** Empty in a flow without one. */
  readonly code: string
}

export interface Played extends Handed {
  readonly asked: Asked
  /** Those that the person was shown on the way. */
  readonly pages: readonly Page[]
}

export type Page = 'sign-in' | 'consent'
export type Changes = Readonly<Record<string, string | undefined>>

export interface RelyingParty {
  readonly client: SuiteClient
  readonly metadata: Metadata
  readonly keys: readonly Jwk[]
  /** A request for `openid`. `changes` replaces parameters, and undefined leaves one out; `state` and `nonce` too. */
  ask(changes?: Changes, verifier?: string): Asked
  /** From the request through whatever pages there are to the tokens, with every check on the way. */
  play(person: Person, changes?: Changes): Promise<Played>
  /** From what the browser was left with; throws where there is an error instead. */
  takeCode(asked: Asked, stop: Stop): string
  /** Everything that comes of an answer, checked: in front, and of its code. */
  finish(asked: Asked, stop: Stop): Promise<Handed>
  /** The error's code, once everything about the error was found in order. */
  takeError(asked: Asked, stop: Stop): string
  /** The tokens of the code, what the ID token says, and what UserInfo does, all of it checked. */
  redeem(asked: Asked, code: string): Promise<Granted>
  askToken(fields: Readonly<Record<string, string>>): Promise<JsonAnswer>
  askUserinfo(accessToken: string, way?: UserinfoWay): Promise<JsonAnswer>
  /** An ID token that no request with a nonce led to. */
  readIdToken(token: string): Promise<IdToken>
}

export type UserinfoWay = 'get' | 'post-header' | 'post-body'

interface Options {
  readonly issuer: string
  readonly client: SuiteClient
  readonly flow: Flow
  readonly clock: Clock
}

export async function createRelyingParty({ issuer, client, flow, clock }: Options): Promise<RelyingParty> {
  const metadata = (await fetchJson(new URL('.well-known/openid-configuration', issuer))) as Metadata
  checkSetUp(metadata, client.authentication)
  const keys = checkKeySet(await fetchJson(new URL(String(metadata['jwks_uri']))))
  const endpoint = (name: string) => new URL(String(metadata[name]))

  const ask: RelyingParty['ask'] = (changes = {}, verifier) => {
    const sent: Changes = {
      client_id: client.id,
      redirect_uri: client.redirectUri,
      scope: 'openid',
      state: randomSecret(),
      nonce: randomSecret(),
      response_type: flow.responseType,
      ...(flow.responseMode === 'form_post' && { response_mode: flow.responseMode }),
      ...(verifier !== undefined && { code_challenge: challengeOf(verifier), code_challenge_method: 'S256' }),
      ...changes,
    }
    const parameters = new URLSearchParams(present(sent))
    const url = endpoint('authorization_endpoint')
    url.search = parameters.toString()
    const { state, nonce } = sent
    // Nobody knows where the answer to nothing belongs, but that the query is where it would be read.
    const responseMode = flow.responseMode === 'fragment' && !sent['response_type'] ? 'query' : flow.responseMode
    return { parameters, url, state, nonce, verifier, redirectUri: client.redirectUri, responseMode }
  }

  const askToken: RelyingParty['askToken'] = async fields => {
    const url = endpoint('token_endpoint')
    const { headers, body } = authenticated(client, fields, url, clock())
    return readJson(await fetch(url, { method: 'POST', headers, body }))
  }

  const askUserinfo: RelyingParty['askUserinfo'] = async (accessToken, way = 'get') => {
    const header = { authorization: `Bearer ${accessToken}` }
    const init: Readonly<Record<UserinfoWay, RequestInit>> = {
      get: { headers: header },
      'post-header': { method: 'POST', headers: header },
      'post-body': { method: 'POST', body: new URLSearchParams({ access_token: accessToken }) },
    }
    return readJson(await fetch(endpoint('userinfo_endpoint'), init[way]))
  }

  const readToken = (token: string, nonce: Expected['nonce']) =>
    checkIdToken(token, { issuer, keys, clientId: client.id, nonce, now: clock() })

  const take = (asked: Asked, stop: Stop): Members => checkCallback(stop, asked, issuer)
  const takeCode: RelyingParty['takeCode'] = (asked, stop) => {
    const { code, error } = take(asked, stop)
    assert.ok(code !== undefined && error === undefined, `There is no code but ${error}`)
    return code
  }

  const redeem: RelyingParty['redeem'] = async ({ redirectUri, verifier, nonce }, code) => {
    const fields = { grant_type: 'authorization_code', code, redirect_uri: redirectUri }
    const answer = checkTokenAnswer(await askToken({ ...fields, ...(verifier && { code_verifier: verifier }) }))
    const idToken = await readToken(String(answer.id_token), nonce)
    const { status, body } = await askUserinfo(answer.access_token)
    insist('userinfo#answers', status === 200 && body !== undefined, { status, body })
    return { answer, idToken, userinfo: body }
  }

  const finish: RelyingParty['finish'] = async (asked, stop) => {
    const { code, access_token: accessToken, id_token: text, ...rest } = take(asked, stop)
    const names = Object.entries({ code, token: accessToken, id_token: text }).filter(
      ([, value]) => value !== undefined,
    )
    assert.deepEqual(names.map(([name]) => name).sort(), flow.responseType.split(' ').sort(), JSON.stringify(rest))
    const idToken = text === undefined ? undefined : await readToken(text, asked.nonce)
    const front = { code, accessToken, idToken }
    const info = accessToken === undefined ? undefined : await askUserinfo(accessToken)
    insist('userinfo#front-channel', info === undefined || info.status === 200, info)
    if (code !== undefined) {
      const granted = await redeem(asked, code)
      const [one, other] = [idToken ?? granted.idToken, granted.idToken].map(({ claims }) => claims)
      insist('id-token#hybrid', one?.['iss'] === other?.['iss'] && one?.['sub'] === other?.['sub'], { one, other })
      return { ...granted, idToken: idToken ?? granted.idToken, behind: granted.idToken, front, code }
    }
    assert.ok(idToken && text, 'without a code, the person is told by an ID token')
    const answer = {
      access_token: accessToken ?? '',
      token_type: rest['token_type'] ?? '',
      id_token: text,
      ...(rest['expires_in'] !== undefined && { expires_in: Number(rest['expires_in']) }),
    }
    return { answer, idToken, userinfo: info?.body ?? idToken.claims, behind: idToken, front, code: '' }
  }

  return {
    client,
    metadata,
    keys,
    ask,
    askToken,
    askUserinfo,
    takeCode,
    finish,
    redeem,
    takeError: (asked, stop) => checkAuthorizationError(take(asked, stop), asked),
    readIdToken: token => readToken(token, null),
    async play(person, changes) {
      const asked = ask(changes)
      const { stop, pages } = await passPages(person, await person.visit(asked.url))
      return { asked, pages, ...(await finish(asked, stop)) }
    },
  }
}

/** Signs in and consents, on whatever pages there are, until there are none of these. */
export async function passPages(person: Person, first: Stop): Promise<{ stop: Stop; pages: Page[] }> {
  const pages: Page[] = []
  let stop = first
  for (let page = pageOf(stop); page !== undefined; page = pageOf(stop)) {
    // Each once: whoever has signed in is not asked to sign in again.
    assert.ok(!pages.includes(page), `After ${pages} the person is on ${page} again`)
    pages.push(page)
    stop = await person.submit(stop, ANSWERS[page])
  }
  return { stop, pages }
}

const ANSWERS: Readonly<Record<Page, Readonly<Record<string, string>>>> = {
  'sign-in': { username: PERSON.email, password: PERSON.password },
  consent: { decision: 'allow' },
}

/** Undefined for a page that is neither, and once the browser has left. */
export function pageOf({ left, html, url }: Stop): Page | undefined {
  if (left) return undefined
  const [form] = readForms(html)
  if (form?.action.endsWith('/consent')) return 'consent'
  return form && 'password' in form.fields && url.pathname.startsWith('/login/') ? 'sign-in' : undefined
}

export const challengeOf = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url')

const present = (parameters: Changes): [string, string][] =>
  Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined)

/** RFC 6749 §2.3.1: both halves of the header are encoded like a form. */
function authenticated(
  { id, secret, authentication, key, audience }: SuiteClient,
  fields: Readonly<Record<string, string>>,
  endpoint: URL,
  now: number,
) {
  if (key)
    return {
      headers: {},
      // Without client_id, which the assertion says too.
      body: new URLSearchParams({
        ...fields,
        ...asserted(signJws(key, assertionClaims(id, audience ?? endpoint.href, {}, now))),
      }),
    }
  if (authentication === 'client_secret_post')
    return { headers: {}, body: new URLSearchParams({ ...fields, client_id: id, client_secret: secret }) }
  const [user, password] = [id, secret].map(text => new URLSearchParams({ '': text }).toString().slice(1))
  return {
    headers: { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` },
    body: new URLSearchParams(fields),
  }
}

async function fetchJson(url: URL): Promise<unknown> {
  const response = await fetch(url)
  assert.equal(response.status, 200, url.href)
  return response.json()
}
