/** The `latchkey` command: which command, with which arguments. Each is loaded when it is asked for. */
import { enableCompileCache, flushCompileCache } from 'node:module'
import { parseArgs } from 'node:util'

const USAGE = `latchkey serve                 the identity server
latchkey migrate               brings the database up to date, and stops
latchkey apply <tenant.yaml>   applies a tenant file to the default tenant, and stops

Settings are environment variables: docs/configuration.gen.md.`

enableCompileCache(`${process.env['LATCHKEY_DATA'] || './data'}/compile-cache`)

const { positionals, values } = parseArgs({
  allowPositionals: true,
  strict: false,
  options: { help: { type: 'boolean', short: 'h' } },
})
const [command, ...rest] = positionals

switch (values['help'] ? 'help' : command) {
  case 'serve':
    await run(async () => (await import('./serve.ts')).serve(process.env))
    break
  case 'migrate':
    await run(async () => (await import('./serve.ts')).openOnce(process.env, async () => {}))
    break
  case 'apply': {
    const [file] = rest
    if (file === undefined) fail(`Which file?\n\n${USAGE}`)
    else
      await run(async () =>
        (await import('./serve.ts')).openOnce(process.env, (latchkey, tell) => tell(latchkey.apply(file))),
      )
    break
  }
  case 'help':
    console.log(USAGE)
    break
  default:
    fail(USAGE)
}

/** What the operator can mend is said in a sentence; anything else is a bug and shows its stack. */
async function run(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
    flushCompileCache()
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'OperatorError') throw error
    fail(error.message)
  }
}

function fail(message: string): void {
  console.error(message)
  process.exitCode = 1
}
