/**
 * `npm start`: the identity server and the example application in one process, with the example's tenant file,
 * and a table of what runs where. Everything can be set as for `latchkey serve`, and LATCHKEY_EXAMPLE_PORT besides.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { enableCompileCache, flushCompileCache } from 'node:module'
import { join } from 'node:path'

const TENANT_FILE = new URL('../examples/24-hour-video/tenant.yaml', import.meta.url)
/** The one that the tenant file knows. */
const EXAMPLE_PORT = 4002

const dataFolder = process.env['LATCHKEY_DATA'] || './data'
enableCompileCache(join(dataFolder, 'compile-cache'))

try {
  const examplePort = Number(process.env['LATCHKEY_EXAMPLE_PORT'] || EXAMPLE_PORT)
  const apply = process.env['LATCHKEY_APPLY'] || tenantFileFor(examplePort)
  const { serve } = await import('../server/serve.ts')
  const told: string[] = []
  const { latchkey, log, onClose } = await serve({ ...process.env, LATCHKEY_APPLY: apply }, sentence =>
    told.push(sentence),
  )
  const { issuer, dataFolder: data, adminEmail } = latchkey.settings
  const { startExample } = await import('../examples/24-hour-video/server.ts')
  const example = await startExample({ port: examplePort, issuer })
  onClose(example.close)
  flushCompileCache()
  if (process.stdout.isTTY) console.log(table(issuer, example.url, data, told, adminEmail))
  else log.info({ example: example.url }, 'the example application is listening')
} catch (error) {
  if (!(error instanceof Error) || error.name !== 'OperatorError') throw error
  console.error(error.message)
  process.exit(1)
}

/** On another port the example is another origin, and has to be registered as that. */
function tenantFileFor(examplePort: number): string {
  if (examplePort === EXAMPLE_PORT) return TENANT_FILE.pathname
  const file = join(dataFolder, 'example-tenant.yaml')
  const text = readFileSync(TENANT_FILE, 'utf8').replaceAll(`localhost:${EXAMPLE_PORT}`, `localhost:${examplePort}`)
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 })
  writeFileSync(file, text)
  return file
}

function table(issuer: string, example: string, data: string, told: readonly string[], adminEmail: string): string {
  const howToSignIn =
    told.length > 0
      ? told.map(sentence => `${sentence}  (this is told once)`)
      : [`The first administrator is ${adminEmail} with the password that was told on the first start`]
  return `
  Example app       ${example}      open this first
  Identity server   ${issuer}
  Discovery         ${issuer}.well-known/openid-configuration
  Data              ${data}

  Sign in with an account you make there, or as the administrator.
  ${howToSignIn.join('\n  ')}
`
}
