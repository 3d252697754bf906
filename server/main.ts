/** The `latchkey` command: which command, with which arguments. Each is loaded when it is asked for. */
import { existsSync } from 'node:fs'
import { enableCompileCache, flushCompileCache } from 'node:module'
import { join } from 'node:path'
import { type Command, command, UsageError } from './commands/command.ts'
import { makeCacheFolder, makeDataFolder } from './store/data-folder.ts'

const text = { type: 'string' } as const
const flag = { type: 'boolean' } as const
/** As `tenant-file/first-start.ts` makes it. */
const tenant = { type: 'string', default: 'default' } as const
const json = flag

const COMMANDS: readonly Command[] = [
  command({
    name: 'serve',
    usage: '',
    does: 'runs the identity server',
    run: async () => (await import('./serve.ts')).serve(process.env),
  }),
  command({
    name: 'gateway explain',
    usage:
      '--route "GET https://host/path" [--token-stdin | --token <token>] [--config <edge.yaml>] [--address <address>] [--follow]',
    does: 'says whether the gateway would let a request pass, which rule decides and why; --follow asks what was revoked',
    isApart: true,
    options: { route: text, token: text, 'token-stdin': flag, config: text, address: text, follow: flag, json },
    needs: ['route'],
    run: async values => (await import('./commands/gateway-explain.ts')).explainRequest(values),
  }),
  command({
    name: 'gateway',
    usage: '[--config <edge.yaml>] | --check <edge.yaml>',
    does: 'runs the gateway by its route file; or says what is wrong with one, and runs nothing',
    isApart: true,
    options: { config: text, check: text, json },
    run: async values => (await import('./commands/gateway.ts')).gateway(values),
  }),
  command({
    name: 'migrate',
    usage: '',
    does: 'brings the database up to date',
    options: { json },
    run: async values => (await import('./commands/migrate.ts')).migrate(values),
  }),
  command({
    name: 'backup',
    usage: '<file>',
    does: 'writes all that is kept into a file, beside a running server; the master key is not in it',
    takes: ['a file'],
    options: { json },
    run: async (values, file = '') => (await import('./commands/backup.ts')).backUp(file, values),
  }),
  command({
    name: 'restore',
    usage: '<file> [--keep-sign-ins]',
    does: 'fills an empty database from a backup; everybody signs in again, unless nothing was changed since',
    takes: ['a file'],
    options: { 'keep-sign-ins': flag, json },
    run: async (values, file = '') => (await import('./commands/backup.ts')).restore(file, values),
  }),
  command({
    name: 'apply',
    usage: '<tenant.yaml> [--keywords <mappings.json>] [--delete]',
    does: 'makes a tenant what its file says; with --delete, what a list of it does not name is removed',
    takes: ['a tenant file'],
    options: { tenant, keywords: text, delete: flag, json },
    run: async (values, file = '') => (await import('./commands/tenant-file.ts')).applyFile(file, values),
  }),
  command({
    name: 'plan',
    usage: '<tenant.yaml> [--keywords <mappings.json>] [--delete] [--exit-code]',
    does: 'shows what apply would change, and changes nothing; with --exit-code it ends with 3 where there is something',
    takes: ['a tenant file'],
    options: { tenant, keywords: text, delete: flag, json, 'exit-code': flag },
    run: async (values, file = '') => (await import('./commands/tenant-file.ts')).planFile(file, values),
  }),
  command({
    name: 'export',
    usage: '[<tenant.yaml>]',
    does: 'writes what a tenant is as the file that would make it so, or prints it; no secrets, and no people',
    takes: ['a file'],
    optional: 1,
    options: { tenant, json },
    run: async (values, file) => (await import('./commands/tenant-file.ts')).exportFile(file, values),
  }),
  command({
    name: 'tenants create',
    usage: '<name> --issuer <https://login.example.com/>',
    does: 'makes a tenant that answers on the host of its issuer',
    takes: ['a name'],
    options: { issuer: text, json },
    needs: ['issuer'],
    run: async (values, name = '') => (await import('./commands/tenants.ts')).createTenant(name, values),
  }),
  command({
    name: 'tenants add-host',
    usage: '<tenant> --issuer <https://login.example.org/>',
    does: 'lets a tenant answer on one more host',
    takes: ['a tenant'],
    options: { issuer: text, json },
    needs: ['issuer'],
    run: async (values, name = '') => (await import('./commands/tenants.ts')).addHost(name, values),
  }),
  command({
    name: 'tenants list',
    usage: '',
    does: 'lists them with their issuers',
    options: { json },
    run: async values => (await import('./commands/tenants.ts')).listTenants(values),
  }),
  command({
    name: 'users create',
    usage: '--email <address> [--name <name>] [--role <role>]… [--verified] [--password-stdin]',
    does: 'makes an account; the password is asked for, piped in, or made and told once',
    options: {
      email: text,
      name: text,
      role: { type: 'string', multiple: true },
      verified: flag,
      'password-stdin': flag,
      tenant,
      json,
    },
    needs: ['email'],
    run: async values => (await import('./commands/users.ts')).createUser(values),
  }),
  command({
    name: 'users block',
    usage: '<address or id>',
    does: 'ends all that a person has, and keeps them from signing in',
    takes: ['a user'],
    options: { tenant, json },
    run: async (values, user = '') => (await import('./commands/users.ts')).blockUser(user, values),
  }),
  command({
    name: 'users unblock',
    usage: '<address or id>',
    does: 'lets a person sign in again',
    takes: ['a user'],
    options: { tenant, json },
    run: async (values, user = '') => (await import('./commands/users.ts')).unblockUser(user, values),
  }),
  command({
    name: 'users remove',
    usage: '<address or id>',
    does: 'removes a person for good, with all that they have',
    takes: ['a user'],
    options: { tenant, json },
    run: async (values, user = '') => (await import('./commands/users.ts')).removeUser(user, values),
  }),
  command({
    name: 'clients revoke',
    usage: '<client id>',
    does: 'ends all that an application was ever given, as when its secret became known',
    takes: ['a client'],
    options: { tenant, json },
    run: async (values, client = '') => (await import('./commands/clients.ts')).revokeClient(client, values),
  }),
  command({
    name: 'clients remove',
    usage: '<client id>',
    does: 'removes an application for good, with all that it was ever given',
    takes: ['a client'],
    options: { tenant, json },
    run: async (values, client = '') => (await import('./commands/clients.ts')).removeClient(client, values),
  }),
  command({
    name: 'api-keys create',
    usage:
      '--client <client id> --audience <API> --name <name> --scope <scope>… [--user <address or id>] [--days <days>]',
    does: 'makes a key by which a client, or a person with it, uses an API without signing in; it is told once',
    options: {
      client: text,
      audience: text,
      name: text,
      scope: { type: 'string', multiple: true },
      user: text,
      days: text,
      tenant,
      json,
    },
    needs: ['client', 'audience', 'name'],
    run: async values => (await import('./commands/api-keys.ts')).createApiKey(values),
  }),
  command({
    name: 'api-keys list',
    usage: '[--client <client id>] [--user <address or id>] [--all]',
    does: 'lists API keys with when each was last used, or also those that are over',
    options: { client: text, user: text, all: flag, tenant, json },
    run: async values => (await import('./commands/api-keys.ts')).listApiKeys(values),
  }),
  command({
    name: 'api-keys revoke',
    usage: '<key id>',
    does: 'ends an API key at once',
    takes: ['a key'],
    options: { tenant, json },
    run: async (values, key = '') => (await import('./commands/api-keys.ts')).revokeApiKey(key, values),
  }),
  command({
    name: 'keys list',
    usage: '[--all]',
    does: 'lists the keys in use, or all that ever were',
    options: { all: flag, tenant, json },
    run: async values => (await import('./commands/keys.ts')).listKeys(values),
  }),
  command({
    name: 'keys rotate',
    usage: '<key> | --algorithm <RS256> | --purpose <refresh-token> | --api <audience> [--secret-stdin]',
    does: 'gives a key a successor, as soon as that harms nobody; an API another shared secret',
    takes: ['a key'],
    optional: 1,
    options: { algorithm: text, purpose: text, api: text, 'secret-stdin': flag, tenant, json },
    run: async (values, key) => (await import('./commands/keys.ts')).rotateKey(key, values),
  }),
  command({
    name: 'keys revoke',
    usage: '<key>',
    does: 'puts a key out of use at once, with all it signed',
    takes: ['a key'],
    options: { tenant, json },
    run: async (values, key = '') => (await import('./commands/keys.ts')).revokeKey(key, values),
  }),
  command({
    name: 'keys rewrap',
    usage: '',
    does: 'moves everything sealed to the first key of the master key file',
    options: { json },
    run: async values => (await import('./commands/keys.ts')).rewrapKeys(values),
  }),
]

const USAGE = `${COMMANDS.map(usageOf).join('\n')}

--tenant <id> says which tenant, the default one unless it is given; --json answers in JSON. A command works beside
a running server: it asks the one in LATCHKEY_DATA. Settings are environment variables: docs/configuration.gen.md.`

try {
  await main(process.argv.slice(2))
} catch (error) {
  // What the operator can mend is said in a sentence; anything else is a bug and shows its stack.
  const { name, message } = error as Error
  if (name === 'OperatorError') fail(message)
  else throw error
}

async function main(args: readonly string[]): Promise<void> {
  const words = args.findIndex(arg => arg.startsWith('-'))
  const named = args.slice(0, words < 0 ? 2 : Math.min(words, 2))
  const chosen = COMMANDS.find(({ name }) => name === named.join(' ') || name === named[0])
  if (args.some(arg => arg === '-h' || arg === '--help') || named[0] === 'help')
    return console.log(chosen ? usageOf(chosen) : USAGE)
  if (!chosen) return fail(named.length === 0 ? USAGE : `There is no command "${named.join(' ')}".\n\n${USAGE}`)
  const work = read(chosen, args.slice(chosen.name.split(' ').length))
  if (work) await run(work, chosen)
}

function read(chosen: Command, args: readonly string[]): (() => Promise<unknown>) | undefined {
  try {
    return chosen.read(args)
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    if (!(error instanceof UsageError) && !code.startsWith('ERR_PARSE_ARGS_')) throw error
    fail(`${message}\n\n${usageOf(chosen)}`)
    return undefined
  }
}

async function run(work: () => Promise<unknown>, { isApart = false }: Command): Promise<void> {
  const dataFolder = process.env['LATCHKEY_DATA'] || './data'
  if (!isApart) makeDataFolder(dataFolder)
  const cache = join(dataFolder, 'compile-cache')
  if (existsSync(dataFolder) && makeCacheFolder(cache)) enableCompileCache(cache)
  await work()
  flushCompileCache()
}

function usageOf({ name, usage, does }: Command): string {
  return `latchkey ${`${name} ${usage}`.trim()}\n    ${does}`
}

function fail(message: string): void {
  console.error(message)
  process.exitCode = 1
}
