/**
 * An operation of a service: method and path, and how the one argument that a caller gives becomes path, query and
 * body. Who may call it, how often and for how long is service-client.ts's business.
 */

/** What goes into `{braces}` and queries. */
export type Part = string | number | boolean

export interface OperationOptions<Answer = unknown> {
  /** Members of the argument that go into the query also where the rest is the body. */
  readonly query?: readonly string[]
  /** The member that is the body, where it is not all that is left of the argument. */
  readonly body?: string
  /** A POST or PATCH that may be sent twice, because its service tells the second from the first. */
  readonly isIdempotent?: boolean
  /** Makes of the parsed body what the operation answers, and throws where it cannot. Else the body is taken at its word. */
  readonly read?: (body: unknown) => Answer
}

/** `Name`: what stands in braces in the path. */
export interface Operation<Name extends string = string, Answer = unknown> extends OperationOptions<Answer> {
  readonly method: string
  readonly path: string
  readonly names: readonly Name[]
}

type NamesIn<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}` ? Name | NamesIn<Rest> : never

const operation =
  (method: string) =>
  <const Path extends `/${string}`, Answer = never>(
    path: Path,
    options: OperationOptions<Answer> = {},
  ): Operation<NamesIn<Path>, Answer> => ({
    method,
    path,
    names: Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name as NamesIn<Path>),
    ...options,
  })

/** `get('/videos/{id}')`: what is no part of the path goes into the query. */
export const get = operation('GET')
export const head = operation('HEAD')
export const del = operation('DELETE')
/** `post('/videos')`: what is no part of the path is the body, as JSON. */
export const post = operation('POST')
export const put = operation('PUT')
export const patch = operation('PATCH')

export interface Target {
  /** With its query. */
  readonly path: string
  readonly body: string | undefined
}

const HAS_BODY = new Set(['POST', 'PUT', 'PATCH'])
/** RFC 9110 §9.2.2. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'PUT', 'DELETE'])

export const isIdempotent = ({ method, isIdempotent: says }: Operation): boolean => says ?? IDEMPOTENT.has(method)

/** @throws TypeError for an argument that the operation has no place for. */
export function targetOf(operation: Operation, argument: unknown): Target {
  const { path, names, query = [], body } = operation
  const hasBody = HAS_BODY.has(operation.method)
  const isAllBody = hasBody && names.length === 0 && query.length === 0 && body === undefined
  if (isAllBody) return { path, body: argument === undefined ? undefined : JSON.stringify(argument) }

  const rest = new Map(Object.entries(membersOf(argument)).filter(([, value]) => value !== undefined))
  const take = (name: string) => {
    const value = rest.get(name)
    rest.delete(name)
    return value
  }
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => segment(name, take(name)))
  const named = body === undefined ? undefined : take(body)
  const sought = queryOf(hasBody && body === undefined ? query.map(name => [name, take(name)]) : [...rest])
  const said = hasBody && body === undefined && rest.size > 0 ? Object.fromEntries(rest) : named
  return {
    path: sought === '' ? filled : `${filled}?${sought}`,
    body: said === undefined ? undefined : JSON.stringify(said),
  }
}

function membersOf(argument: unknown): object {
  if (argument === undefined) return {}
  if (typeof argument === 'object' && argument !== null && !Array.isArray(argument)) return argument
  throw new TypeError('an operation with parts in its path or query takes one object')
}

/** One segment and no other: a slash is encoded, and what would lead elsewhere (RFC 3986 §5.2.4) is refused. */
function segment(name: string, value: unknown): string {
  const text = partOf(name, value)
  if (text === '' || text === '.' || text === '..') throw new TypeError(`${name} cannot be a part of a path`)
  return encodeURIComponent(text)
}

function queryOf(parts: readonly (readonly [string, unknown])[]): string {
  const query = new URLSearchParams()
  for (const [name, value] of parts)
    for (const one of Array.isArray(value) ? value : value === undefined ? [] : [value])
      query.append(name, partOf(name, one))
  return query.toString()
}

function partOf(name: string, value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return `${value}`
  throw new TypeError(`${name} is a text, a number or a truth value`)
}
