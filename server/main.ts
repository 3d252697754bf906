/** The `latchkey` command: which command, with which arguments. Each is loaded when it is asked for. */
import { enableCompileCache, flushCompileCache } from 'node:module'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { makeDataFolder } from './store/data-folder.ts'

const USAGE = `latchkey serve                 the identity server
latchkey migrate               brings the database up to date, and stops
latchkey apply <tenant.yaml>   applies a tenant file to the default tenant, and stops

Settings are environment variables: docs/configuration.gen.md.`

interface Command {
  /** What it is to be told, in order. */
  readonly takes: readonly string[]
  run(...told: string[]): Promise<unknown>
}

const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['serve', { takes: [], run: async () => (await import('./serve.ts')).serve(process.env) }],
  ['migrate', { takes: [], run: async () => (await import('./serve.ts')).openOnce(process.env, async () => {}) }],
  [
    'apply',
    {
      takes: ['a tenant file'],
      run: async (file = '') =>
        (await import('./serve.ts')).openOnce(process.env, (latchkey, tell) => tell(latchkey.apply(file))),
    },
  ],
])

try {
  const {
    positionals: [name, ...told],
    values: { help },
  } = parseArgs({ allowPositionals: true, options: { help: { type: 'boolean', short: 'h' } } })
  const command = COMMANDS.get(name ?? '')
  if (help || name === 'help') console.log(USAGE)
  else if (name === undefined) fail(USAGE)
  else if (!command) fail(`There is no command "${name}".\n\n${USAGE}`)
  else if (told.length !== command.takes.length)
    fail(`latchkey ${name} takes ${command.takes.join(' and ') || 'no argument'}, and nothing else.\n\n${USAGE}`)
  else await run(() => command.run(...told))
} catch (error) {
  // What the operator can mend is said in a sentence; anything else is a bug and shows its stack.
  const { code = '', name, message } = error as NodeJS.ErrnoException
  if (code.startsWith('ERR_PARSE_ARGS_')) fail(`${message}\n\n${USAGE}`)
  else if (name === 'OperatorError') fail(message)
  else throw error
}

async function run(work: () => Promise<unknown>): Promise<void> {
  const dataFolder = process.env['LATCHKEY_DATA'] || './data'
  makeDataFolder(dataFolder)
  enableCompileCache(join(dataFolder, 'compile-cache'))
  await work()
  flushCompileCache()
}

function fail(message: string): void {
  console.error(message)
  process.exitCode = 1
}
