/** Where and how an answer of the authorization endpoint comes back to the application, and what errors may hold. */
import { readForms } from '../../fixtures/html-form.ts'
import type { Stop } from '../../fixtures/person.ts'
import { insist } from '../insist.ts'

export type ResponseMode = 'query' | 'fragment' | 'form_post'
export type Members = Readonly<Record<string, string>>

export interface Sent {
  readonly redirectUri: string
  readonly responseMode: ResponseMode
  readonly state: string | undefined
}

/** What came with the answer, without the query that the redirect URI has itself. */
export function checkCallback(stop: Stop, sent: Sent, issuer: string): Members {
  const members = READ[sent.responseMode](stop, sent)
  insist('callback#state', members['state'] === sent.state, members)
  insist('callback#iss', (members['iss'] ?? issuer) === issuer, members)
  return members
}

function readFragment({ url, left, status, html }: Stop, { redirectUri }: Sent): Members {
  const [before = '', after = ''] = url.href.split('#')
  // Byte for byte, so that nothing at all was added to the query.
  insist('callback#other-flows', left && before === redirectUri && after !== '', { url: url.href, left, status, html })
  const members = [...new URLSearchParams(after)]
  insist('callback#other-flows', new Set(members.map(([name]) => name)).size === members.length, url.href)
  return Object.fromEntries(members)
}

function readQuery({ url, left, status, html }: Stop, { redirectUri }: Sent): Members {
  const registered = new URL(redirectUri)
  const isThere = left && url.origin === registered.origin && url.pathname === registered.pathname && url.hash === ''
  insist('callback#location', isThere, { url: url.href, left, status, html })
  const own = [...registered.searchParams]
  const got = [...url.searchParams]
  const kept = own.every(([name, value]) => got.some(one => one[0] === name && one[1] === value))
  insist('callback#own-query', kept, url.href)
  const members = got.filter(([name]) => !registered.searchParams.has(name))
  const names = members.map(([name]) => name)
  insist('callback#location', new Set(names).size === names.length, url.href)
  return Object.fromEntries(members)
}

/** The page that sends itself. That a browser does send it is seen in one, by `form-post.test.ts`. */
function readForm({ url, left, html }: Stop, { redirectUri }: Sent): Members {
  const [form, ...others] = readForms(html)
  insist('callback#form', !left && form !== undefined && others.length === 0, { url: url.href, html })
  const [tag = ''] = /<form\b[^>]*>/.exec(html) ?? []
  const isPost = /\smethod="post"/.test(tag) && !/\senctype="(?!application\/x-www-form-urlencoded")/.test(tag)
  insist('callback#form', isPost && form.action === redirectUri && html.includes('.submit()'), html)
  return form.fields
}

const READ: Readonly<Record<ResponseMode, (stop: Stop, sent: Sent) => Members>> = {
  query: readQuery,
  fragment: readFragment,
  form_post: readForm,
}

const ERROR_MEMBERS = ['error', 'error_description', 'error_uri', 'state', 'session_state', 'iss']
/** RFC 6749 §4.1.2.1, and what the suite lets pass with a warning. */
const DESCRIPTION = /^[\t\r\n\x20-\x21\x23-\x5B\x5D-\x7E]*$/

/** Answers the error's code. */
export function checkAuthorizationError(members: Members, { state }: Pick<Sent, 'state'>): string {
  const { error = '', error_description: description = '' } = members
  insist('authorization-error#error', error !== '', members)
  insist('authorization-error#state', members['state'] === state, members)
  const given = ['code', 'access_token', 'id_token'].filter(name => name in members)
  insist('authorization-error#no-code', given.length === 0, members)
  insist(
    'authorization-error#members',
    Object.keys(members).every(name => ERROR_MEMBERS.includes(name)),
    members,
  )
  insist('authorization-error#description', DESCRIPTION.test(description), description)
  insist('authorization-error#description-lines', !/[\t\r\n]/.test(description), description)
  return error
}
