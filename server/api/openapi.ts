/** The Management API in the words of OpenAPI 3.1, printed from the operations that answer it. */
import type { TSchema } from 'typebox'
import type { Operation, ScopeRule } from './operation.ts'

/** `issuer`: whose server the document is of. Throws a `TypeError` for two operations at one place. */
export function printOpenApi(operations: readonly Operation[], issuer: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const operation of operations) {
    const path = operation.path.replaceAll(/:(\w+)/g, '{$1}')
    paths[path] ??= {}
    const method = operation.method.toLowerCase()
    if (paths[path][method]) throw new TypeError(`${operation.method} ${operation.path} is there twice`)
    paths[path][method] = describe(operation)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Latchkey Management API',
      version: '2',
      description: 'Everything an operator manages, under the names and in the shapes of Auth0’s Management API v2.',
    },
    servers: [{ url: `${issuer}api/v2` }],
    paths: Object.fromEntries(Object.entries(paths).sort(([one], [other]) => (one < other ? -1 : 1))),
    components: {
      schemas: { Fault: FAULT },
      securitySchemes: {
        token: {
          type: 'oauth2',
          flows: { clientCredentials: { tokenUrl: `${issuer}oauth/token`, scopes: scopesOf(operations) } },
        },
      },
    },
  }
}

const FAULT = {
  type: 'object',
  required: ['statusCode', 'error', 'message', 'errorCode'],
  properties: {
    statusCode: { type: 'integer' },
    error: { type: 'string' },
    message: { type: 'string' },
    errorCode: { type: 'string' },
  },
}

function describe({
  method,
  path,
  summary,
  scopes,
  query,
  body,
  bodyMayBeLeftOut,
  takesForm,
  answers,
}: Operation): object {
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => ({
    ...{ name, in: 'path', required: true, schema: { type: 'string' } },
  }))
  const required: readonly string[] = query?.required ?? []
  const inQuery = Object.entries(query?.properties ?? {}).map(([name, schema]) => ({
    ...{ name, in: 'query', required: required.includes(name), schema },
  }))
  return {
    operationId: `${method.toLowerCase()}${path.replaceAll(/[/:_-]+(\w)/g, (_, letter: string) => letter.toUpperCase())}`,
    summary,
    security: alternatives(scopes).map(token => ({ token })),
    parameters: [...inPath, ...inQuery],
    ...(body && { requestBody: { required: !bodyMayBeLeftOut, content: contentOf(body, takesForm) } }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, schema]) => [
          status,
          { description: schema ? 'What was asked for.' : 'Done.', ...(schema && { content: contentOf(schema) }) },
        ]),
      ),
      default: {
        description: 'Why not.',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Fault' } } },
      },
    },
  }
}

const alternatives = (rule: ScopeRule): readonly (readonly string[])[] =>
  'allOf' in rule ? [rule.allOf] : rule.map(scope => [scope])

const contentOf = (schema: TSchema, isForm = false) => ({
  [isForm ? 'multipart/form-data' : 'application/json']: { schema },
})

const scopesOf = (operations: readonly Operation[]): Record<string, string> =>
  Object.fromEntries(
    [...new Set(operations.flatMap(({ scopes }) => alternatives(scopes).flat()))].sort().map(scope => [scope, '']),
  )
