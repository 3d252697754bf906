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
  return told(validator.Errors(value))
}

type Problem = ReturnType<Validator['Errors']>[number]

function told(errors: readonly Problem[]): string {
  // A choice that nothing fits is told by itself, and not by each of its parts.
  const choices = errors.filter(({ keyword }) => keyword === 'anyOf')
  const choice = choices.find(one => !choices.some(other => isWithin(one, other.schemaPath)))
  const worst = choice ?? errors.find(({ keyword }) => keyword !== 'boolean')
  if (!worst) return 'it is not of the form that is described'
  const { keyword, params, instancePath, message } = worst
  const at = memberAt(instancePath)
  if (keyword === 'required')
    return `${list((params as { requiredProperties: string[] }).requiredProperties.map(name => memberIn(at, name)))} is missing`
  if (keyword === 'additionalProperties')
    return `there is no member ${list((params as { additionalProperties: string[] }).additionalProperties.map(name => memberIn(at, name)))}`
  if (keyword === 'anyOf') return toldOfChoice(worst, errors)
  if (keyword === 'enum') return `${at} must be one of ${list((params as { allowedValues: unknown[] }).allowedValues)}`
  return `${at || 'the body'} ${message}`
}

/**
 * Of forms of which one is of this kind, an object or null, what is wrong with that one. Otherwise the constants, or else
 * the kinds, are listed.
 */
function toldOfChoice(choice: Problem, errors: readonly Problem[]): string {
  const { schemaPath, instancePath } = choice
  const forms = new Map<string, Problem[]>()
  for (const error of errors) {
    // Of another entry of a list the path through the schema is the same.
    const isHere = error.instancePath === instancePath || error.instancePath.startsWith(`${instancePath}/`)
    if (!isHere || !isWithin(error, `${schemaPath}/anyOf`)) continue
    const [form = ''] = error.schemaPath.slice(`${schemaPath}/anyOf/`.length).split('/')
    forms.set(form, [...(forms.get(form) ?? []), error])
  }
  const isOfAnotherKind = ({ keyword, instancePath: place }: Problem) =>
    place === instancePath && (keyword === 'type' || keyword === 'const')
  const [fitting, another] = [...forms.values()].filter(form => !form.every(isOfAnotherKind))
  if (fitting && !another) return told(fitting)

  const at = memberAt(instancePath) || 'the body'
  const flat = [...forms.values()].flat().filter(isOfAnotherKind)
  const constants = flat.flatMap(({ keyword, params }) =>
    keyword === 'const' ? [(params as { allowedValue: unknown }).allowedValue] : [],
  )
  if (constants.length > 0) return `${at} must be one of ${list(constants)}`
  const kinds = flat.map(({ params }) => (params as { type: unknown }).type)
  return fitting || kinds.length === 0
    ? `${at} is of none of the forms that it may have`
    : `${at} must be ${kinds.map(String).join(' or ')}`
}

const isWithin = ({ schemaPath }: Problem, place: string): boolean => schemaPath.startsWith(`${place}/`)

const memberAt = (pointer: string): string =>
  pointer
    .split('/')
    .slice(1)
    .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .join('.')
const memberIn = (place: string, name: string): string => (place === '' ? name : `${place}.${name}`)
const list = (names: readonly unknown[]): string => names.map(String).join(', ')
