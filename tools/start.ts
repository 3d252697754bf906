/**
 * `npm start`: the identity server, the gateway and the example application, with the example's tenant file and route
 * file, and a table of what runs where. The two processes of the example's API are children of this one, which is all
 * the rest. Everything can be set as for `latchkey serve`, and LATCHKEY_EXAMPLE_PORT besides.
 */
import { existsSync, readFileSync } from 'node:fs'
import { enableCompileCache, flushCompileCache } from 'node:module'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { systemClock } from '../server/kernel/clock.ts'
import { OperatorError } from '../server/kernel/errors.ts'
import type { Log } from '../server/kernel/log.ts'
import { makeCacheFolder, makeDataFolder } from '../server/store/data-folder.ts'
import { keepSecrets, MACHINES, routeFile, secretFile, tenantFile, writeOwn } from './example-files.ts'
import { type PortOnDemand, portOnDemand } from './port-on-demand.ts'

const [GATEWAY_PORT, EXAMPLE_PORT] = [4001, 4002]
/** Where nobody asked for other ports, those of the API are the ones that the route file names. */
const API_PORTS = [4003, 4004] as const

const dataFolder = process.env['LATCHKEY_DATA'] || './data'
const told: string[] = []

try {
  makeDataFolder(dataFolder)
  const cache = join(dataFolder, 'compile-cache')
  const isFirst = !existsSync(cache)
  const isCached = makeCacheFolder(cache)
  if (isCached) enableCompileCache(cache)
  const { loadSettings } = await import('../server/config/load.ts')
  const { port } = await import('../server/config/schema.ts')
  const settings = loadSettings(process.env)
  const { issuer, adminEmail, dataFolder: data, gatewayConfig } = settings
  const ports = {
    gateway: settings.gatewayPort ?? GATEWAY_PORT,
    example: port('LATCHKEY_EXAMPLE_PORT', process.env['LATCHKEY_EXAMPLE_PORT'] || undefined, EXAMPLE_PORT),
  }

  // The example's own has no faults; of another they are told before anything runs.
  if (gatewayConfig !== null) await readRoutes(gatewayConfig)
  // First, so that nothing has happened yet when a port is taken, and real ones are known to the files.
  const edge = await listen('the gateway', 'LATCHKEY_GATEWAY_PORT', ports.gateway, portOnDemand)
  const gateway = `http://localhost:${edge.port}`
  const { startExample } = await import('../examples/24-hour-video/server.ts')
  const example = await listen('the example application', 'LATCHKEY_EXAMPLE_PORT', ports.example, port =>
    startExample({ port, issuer, api: gateway }),
  )
  const page = new URL(example.url).origin

  const folder = join(dataFolder, 'example')
  const secrets = keepSecrets(folder)
  const apply = process.env['LATCHKEY_APPLY'] || writeOwn(folder, 'tenant.yaml', tenantFile({ issuer, page }, secrets))
  const { serve } = await import('../server/serve.ts')
  const { latchkey, log, onClose } = await serve({ ...process.env, LATCHKEY_APPLY: apply }, sentence =>
    told.push(sentence),
  )
  // A first start has in memory what strips types. Stripped now as well, what a first page takes never brings it back.
  const firstPage = isFirst ? import('../server/http/page-renderer.ts') : undefined
  onClose(async () => void (await firstPage))
  const { caFile } = latchkey
  // Whoever asks the identity server for its keys trusts whom the operator of both trusts.
  if (caFile !== null) setDefaultCACertificates([...getCACertificates('default'), readFileSync(caFile, 'utf8')])

  const { startApiProcesses } = await import('../examples/24-hour-video/api-processes.ts')
  const isUsual = ports.example === EXAMPLE_PORT && ports.gateway === GATEWAY_PORT
  const apis = await startApiProcesses({
    ports: isUsual ? API_PORTS : [0, 0],
    issuer,
    clientId: MACHINES.api,
    secretFile: secretFile(folder, 'api'),
    environment: {
      ...(isCached && { NODE_COMPILE_CACHE: cache }),
      ...(caFile !== null && { NODE_EXTRA_CA_CERTS: caFile }),
    },
    log: (sentence, error) => log.error({ error }, sentence),
  })
  const [one = '', other = ''] = apis.urls
  const routes =
    gatewayConfig ??
    writeOwn(folder, 'edge.yaml', routeFile({ issuer, page, gateway: `127.0.0.1:${edge.port}`, apis: [one, other] }))
  edge.serveBy(
    () => openGateway(routes, edge, log),
    error => log.error({ error }, 'the gateway does not start'),
  )
  onClose(async () => {
    await Promise.all([edge.close(), example.close(), apis.close()])
  })

  flushCompileCache()
  if (process.stdout.isTTY) console.log(table({ issuer, example: example.url, gateway, data, adminEmail, caFile }))
  else
    log.info(
      { example: example.url, gateway, apis: apis.urls },
      'the gateway and the example application are listening',
    )
} catch (error) {
  // A first start that fails late has made a password already, and tells it this once.
  for (const sentence of told) console.log(sentence)
  if (!(error instanceof OperatorError)) throw error
  console.error(error.message)
  process.exit(1)
}

async function listen<Listening>(
  whose: string,
  setting: string,
  port: number,
  start: (port: number) => Promise<Listening>,
): Promise<Listening> {
  try {
    return await start(port)
  } catch (error) {
    const { code, syscall, message } = error as NodeJS.ErrnoException
    if (syscall !== 'listen') throw error
    const problem = code === 'EADDRINUSE' ? 'is taken by another process' : `cannot be listened on (${message})`
    throw new OperatorError(`Port ${port}, for ${whose}, ${problem}. Set ${setting} to another.`, { cause: error })
  }
}

async function readRoutes(file: string) {
  const { readRouteFile } = await import('../server/gateway/route-file/read.ts')
  return readRouteFile(file, { environment: process.env, now: systemClock() })
}

/** As `latchkey gateway` runs one, on the port that is open already, whatever the file says of it. */
async function openGateway(file: string, port: PortOnDemand, log: Log) {
  const { startGateway } = await import('../server/gateway/gateway.ts')
  const { followRouteFile } = await import('../server/gateway/follow-file.ts')
  const first = await readRoutes(file)
  for (const warning of first.warnings) log.warn({}, warning)
  const gateway = await startGateway(first.plan, { clock: systemClock, log, port })
  const following = followRouteFile({ first, read: () => readRoutes(file), gateway, log })
  return {
    close: () => {
      following.stop()
      return gateway.close()
    },
  }
}

interface Told {
  readonly issuer: string
  readonly example: string
  readonly gateway: string
  readonly data: string
  readonly adminEmail: string
  readonly caFile: string | null
}

function table({ issuer, example, gateway, data, adminEmail, caFile }: Told): string {
  const howToSignIn =
    told.length > 0
      ? told.map(sentence => `${sentence}  (this is told once)`)
      : [`The first administrator is ${adminEmail} with the password that was told on the first start`]
  return `
  Example app       ${example}      open this first
  Its API           ${gateway}/api/videos      behind the gateway
  Identity server   ${issuer}
  Discovery         ${issuer}.well-known/openid-configuration
  Data              ${data}${caFile === null ? '' : `\n  Trust             ${caFile}      in the browser, and as NODE_EXTRA_CA_CERTS`}

  Sign in with an account you make there, or as the administrator.
  ${howToSignIn.join('\n  ')}
`
}
