/**
 * `npm start`: the identity server and the example application in one process, with the example's tenant file,
 * and a table of what runs where. Everything can be set as for `latchkey serve`.
 */
import { enableCompileCache, flushCompileCache } from 'node:module'

const environment = { ...process.env }
environment['LATCHKEY_APPLY'] ||= new URL('../examples/24-hour-video/tenant.yaml', import.meta.url).pathname
const dataFolder = environment['LATCHKEY_DATA'] || './data'
enableCompileCache(`${dataFolder}/compile-cache`)

try {
  const { serve } = await import('../server/serve.ts')
  const { latchkey, log, onClose } = await serve(environment)
  const { issuer, adminEmail } = latchkey.settings
  const { startExample } = await import('../examples/24-hour-video/server.ts')
  const example = await startExample({ port: Number(environment['LATCHKEY_EXAMPLE_PORT'] || 4002), issuer })
  onClose(example.close)
  flushCompileCache()
  if (process.stdout.isTTY) console.log(table(issuer, example.url, latchkey.settings.dataFolder, adminEmail))
  else log.info({ example: example.url }, 'the example application is listening')
} catch (error) {
  if (!(error instanceof Error) || error.name !== 'OperatorError') throw error
  console.error(error.message)
  process.exit(1)
}

function table(issuer: string, example: string, dataFolder: string, adminEmail: string): string {
  return `
  Identity server   ${issuer}
  Example app       ${example}      open this first
  Discovery         ${issuer}.well-known/openid-configuration
  Data              ${dataFolder}

  Sign in with an account you make there, or as ${adminEmail}
  with the password that was told on the first start.
`
}
