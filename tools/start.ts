/**
 * `npm start`: the identity server and the example application in one process, with the example's tenant file,
 * and a table of what runs where. Everything can be set as for `latchkey serve`, and LATCHKEY_EXAMPLE_PORT besides.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { enableCompileCache, flushCompileCache } from 'node:module'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { fileURLToPath } from 'node:url'
import type { Example } from '../examples/24-hour-video/server.ts'
import { OperatorError } from '../server/kernel/errors.ts'
import { makeCacheFolder, makeDataFolder } from '../server/store/data-folder.ts'

const TENANT_FILE = new URL('../examples/24-hour-video/tenant.yaml', import.meta.url)
/** The one that the tenant file knows. */
const EXAMPLE_PORT = 4002

const dataFolder = process.env['LATCHKEY_DATA'] || './data'
const told: string[] = []

try {
  makeDataFolder(dataFolder)
  const cache = join(dataFolder, 'compile-cache')
  if (makeCacheFolder(cache)) enableCompileCache(cache)
  const { loadSettings } = await import('../server/config/load.ts')
  const { port } = await import('../server/config/schema.ts')
  const { issuer, adminEmail, dataFolder: data } = loadSettings(process.env)
  // First, so that nothing has happened yet when its port is taken, and its real port is known to the tenant file.
  const example = await listen(
    port('LATCHKEY_EXAMPLE_PORT', process.env['LATCHKEY_EXAMPLE_PORT'] || undefined, EXAMPLE_PORT),
    issuer,
  )
  const apply = process.env['LATCHKEY_APPLY'] || tenantFileFor(new URL(example.url).port)
  const { serve } = await import('../server/serve.ts')
  const { latchkey, log, onClose } = await serve({ ...process.env, LATCHKEY_APPLY: apply }, sentence =>
    told.push(sentence),
  )
  onClose(example.close)
  const { caFile } = latchkey
  // The example asks the identity server for its keys as any API would, and trusts whom the operator of both trusts.
  if (caFile !== null) setDefaultCACertificates([...getCACertificates('default'), readFileSync(caFile, 'utf8')])
  flushCompileCache()
  if (process.stdout.isTTY) console.log(table(issuer, example.url, data, adminEmail, caFile))
  else log.info({ example: example.url }, 'the example application is listening')
} catch (error) {
  // A first start that fails late has made a password already, and tells it this once.
  for (const sentence of told) console.log(sentence)
  if (!(error instanceof OperatorError)) throw error
  console.error(error.message)
  process.exit(1)
}

async function listen(port: number, issuer: string): Promise<Example> {
  const { startExample } = await import('../examples/24-hour-video/server.ts')
  try {
    return await startExample({ port, issuer })
  } catch (error) {
    const { code, syscall, message } = error as NodeJS.ErrnoException
    if (syscall !== 'listen') throw error
    const problem = code === 'EADDRINUSE' ? 'is taken by another process' : `cannot be listened on (${message})`
    throw new OperatorError(
      `Port ${port}, for the example application, ${problem}. Set LATCHKEY_EXAMPLE_PORT to another.`,
      { cause: error },
    )
  }
}

/** On another port the example is another origin, and has to be registered as that. */
function tenantFileFor(examplePort: string): string {
  if (examplePort === `${EXAMPLE_PORT}`) return fileURLToPath(TENANT_FILE)
  const file = join(dataFolder, 'example-tenant.yaml')
  const text = readFileSync(TENANT_FILE, 'utf8').replaceAll(`localhost:${EXAMPLE_PORT}`, `localhost:${examplePort}`)
  rmSync(file, { force: true })
  writeFileSync(file, text, { mode: 0o600 })
  return file
}

function table(issuer: string, example: string, data: string, adminEmail: string, caFile: string | null): string {
  const howToSignIn =
    told.length > 0
      ? told.map(sentence => `${sentence}  (this is told once)`)
      : [`The first administrator is ${adminEmail} with the password that was told on the first start`]
  return `
  Example app       ${example}      open this first
  Identity server   ${issuer}
  Discovery         ${issuer}.well-known/openid-configuration
  Data              ${data}${caFile === null ? '' : `\n  Trust             ${caFile}      in the browser, and as NODE_EXTRA_CA_CERTS`}

  Sign in with an account you make there, or as the administrator.
  ${howToSignIn.join('\n  ')}
`
}
