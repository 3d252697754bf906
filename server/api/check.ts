/** Whether what a request brings is of the form that its operation describes, and if not, which member breaks which rule. */
import type { Static, TObject, TSchema } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'
import type { Parameters } from '../http/parameters.ts'
import type { JsonValue } from '../kernel/json.ts'
import { ManagementFault } from './fault.ts'

const compiled = new WeakMap<TSchema, Validator>()

function validatorOf(schema: TSchema): Validator {
  const validator = compiled.get(schema) ?? Compile(schema)
  compiled.set(schema, validator)
  return validator
}

/** Throws `invalid_body`. */
export function checkBody<Body extends TSchema>(schema: Body, given: JsonValue | undefined): Static<Body> {
  if (given === undefined) throw invalid('invalid_body', 'a JSON body is missing')
  const problem = problemOf(schema, given)
  if (problem !== undefined) throw invalid('invalid_body', problem)
  return given as Static<Body>
}

/** Throws `invalid_query_string`. Numbers, truth values and lists are read as their schema has them. */
export function checkQuery<Query extends TObject>(schema: Query | null, query: Parameters): Static<Query> {
  const known: Record<string, TSchema & { readonly type?: string }> = schema?.properties ?? {}
  const read: Record<string, unknown> = {}
  for (const name of query.names) {
    const member = Object.hasOwn(known, name) ? known[name] : undefined
    if (!member) throw invalid('invalid_query_string', `there is no parameter ${name}`)
    if (member.type === 'array') read[name] = query.all(name)
    else if (query.repeated.includes(name)) throw invalid('invalid_query_string', `${name} is given more than once`)
    else if (query.get(name) !== undefined) read[name] = valueFrom(query.get(name) ?? '', member.type)
  }
  const problem = schema && problemOf(schema, read)
  if (problem) throw invalid('invalid_query_string', problem)
  return read as Static<Query>
}

/** What cannot be read as its type stays a text, and is refused as one. */
function valueFrom(text: string, type: string | undefined): unknown {
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
  if (type === 'integer') return /^-?\d{1,15}$/.test(text) ? Number(text) : text
  return text
}

const invalid = (code: 'invalid_body' | 'invalid_query_string', problem: string): ManagementFault =>
  new ManagementFault(400, code, `${code === 'invalid_body' ? 'Payload' : 'Query'} validation error: ${problem}.`)

/** The first that is wrong, by the member and the rule; undefined for what is of the form. */
export function problemOf(schema: TSchema, value: unknown): string | undefined {
  const validator = validatorOf(schema)
  if (validator.Check(value)) return undefined
  const errors = validator.Errors(value)
  // A choice that nothing fits is told by itself, and not by each of its parts.
  const worst = errors.find(({ keyword }) => keyword === 'anyOf') ?? errors.find(({ keyword }) => keyword !== 'boolean')
  if (!worst) return 'it is not of the form that is described'
  const { keyword, params, instancePath, message } = worst
  const at = memberAt(instancePath)
  if (keyword === 'required')
    return `${list((params as { requiredProperties: string[] }).requiredProperties.map(name => memberIn(at, name)))} is missing`
  if (keyword === 'additionalProperties')
    return `there is no member ${list((params as { additionalProperties: string[] }).additionalProperties.map(name => memberIn(at, name)))}`
  if (keyword === 'anyOf') return `${at || 'the body'} ${choiceOf(errors, instancePath)}`
  if (keyword === 'enum') return `${at} must be one of ${list((params as { allowedValues: unknown[] }).allowedValues)}`
  return `${at || 'the body'} ${message}`
}

/** Constants are listed; of anything else it is said that nothing fits. */
function choiceOf(errors: readonly { keyword: string; instancePath: string; params: object }[], place: string): string {
  const allowed = errors.flatMap(({ keyword, instancePath, params }) =>
    keyword === 'const' && instancePath === place ? [(params as { allowedValue: unknown }).allowedValue] : [],
  )
  return allowed.length > 0 ? `must be one of ${list(allowed)}` : 'is of none of the forms that it may have'
}

const memberAt = (pointer: string): string =>
  pointer
    .split('/')
    .slice(1)
    .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .join('.')
const memberIn = (place: string, name: string): string => (place === '' ? name : `${place}.${name}`)
const list = (names: readonly unknown[]): string => names.map(String).join(', ')
