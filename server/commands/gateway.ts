/** `latchkey gateway`: runs one by its route file, which is followed while it runs; `--check` says what is wrong with a file. */
import { loadSettings } from '../config/load.ts'
import { followRouteFile } from '../gateway/follow-file.ts'
import { type Gateway, startGateway } from '../gateway/gateway.ts'
import { inspectRouteFile, type RouteFile, readRouteFile } from '../gateway/route-file/read.ts'
import { closeOnSignals } from '../kernel/closing.ts'
import { OperatorError } from '../kernel/errors.ts'
import { createLog } from '../kernel/json-log.ts'
import type { Log } from '../kernel/log.ts'
import { type Answering, answer, warn } from './answer.ts'

export interface GatewayArguments extends Answering {
  readonly config?: string | undefined
  readonly check?: string | undefined
}

export const gateway = (given: GatewayArguments): Promise<void> =>
  given.check === undefined ? run(given) : check(given.check, given)

/** What a route file is read with, by whichever command. */
export const readingNow = () => ({ environment: process.env, now: Date.now() })

/** @throws OperatorError where nobody named one. */
export function namedFile(given: string | undefined, setting: string | null): string {
  const file = given ?? setting
  if (file === null) throw new OperatorError('Name the route file: --config edge.yaml, or LATCHKEY_GATEWAY_CONFIG.')
  return file
}

async function check(file: string, given: Answering): Promise<void> {
  const { faults, warnings } = await inspectRouteFile(file, readingNow())
  if (faults.length > 0) process.exitCode = 1
  if (given.json) return answer(given, { faults, warnings }, () => [])
  for (const warning of warnings) warn(`warning: ${warning}`)
  for (const fault of faults) warn(fault)
  if (faults.length === 0) answer(given, {}, () => [`${file} is good.`])
}

async function run({ config }: GatewayArguments): Promise<void> {
  const settings = loadSettings(process.env)
  const log = await createLog(settings.logLevel, { pretty: process.stdout.isTTY })
  const file = namedFile(config, settings.gatewayConfig)
  /** The port is the setting's, which a reload does not change. */
  const withPort = <File extends RouteFile>(read: File): File =>
    read.plan && settings.gatewayPort !== null
      ? { ...read, plan: { ...read.plan, listen: { ...read.plan.listen, port: settings.gatewayPort } } }
      : read

  const first = withPort(await readRouteFile(file, readingNow()))
  for (const warning of first.warnings) log.warn({}, warning)
  const running = await startGateway(first.plan, { clock: Date.now, log })
  const read = async () => withPort(await inspectRouteFile(file, readingNow()))
  const following = followRouteFile({ first, read, gateway: running, log })
  // Before the log says so: whoever waits for the line may send a signal at once.
  heedSignals(running, following, log)
  const { listen, routes } = first.plan
  log.info({ host: listen.host, port: running.port, routes: routes.length }, 'the gateway is listening')
}

function heedSignals(running: Gateway, following: ReturnType<typeof followRouteFile>, log: Log): void {
  // On a terminal it says that the terminal is gone, and ends the process as ever.
  if (!process.stdout.isTTY) process.on('SIGHUP', () => void following.reload())
  closeOnSignals(() => {
    following.stop()
    return running.close()
  }, log)
}
