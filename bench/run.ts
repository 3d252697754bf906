/** `npm run bench [-- name …]`: runs the benches named, or all, keeps what they measured, and fails when one misses its bar. */
import { parseArgs } from 'node:util'
import { type Figure, holds, renderFigures } from './figure.ts'
import { keep, type Measured } from './results.ts'

interface Bench {
  readonly sentence: string
  /** Run only when it is named: it takes too long for the rest. */
  readonly onlyNamed?: true
  run(): Promise<readonly Figure[]>
}

/** Each is loaded when it runs, so that one bench's imports do not weigh on another's figures. */
const benches: Readonly<Record<string, Bench>> = {
  start: {
    sentence: 'how soon `npm start` answers, and how much memory it takes',
    run: async () => (await import('./start.ts')).measureStart(),
  },
  tokens: {
    sentence: 'tokens for machines, beside oidc-provider and bare signatures',
    run: async () => (await import('./tokens.ts')).measureTokens(),
  },
  refresh: {
    sentence: 'refreshing with rotation and an ID token, beside oidc-provider',
    run: async () => (await import('./refresh.ts')).measureRefresh(),
  },
  userinfo: {
    sentence: 'asking about a person by their token, beside oidc-provider',
    run: async () => (await import('./userinfo.ts')).measureUserinfo(),
  },
  introspection: {
    sentence: 'asking whether a token still counts, beside oidc-provider',
    run: async () => (await import('./introspection.ts')).measureIntrospection(),
  },
  'code-flow': {
    sentence: 'a whole code flow with a signed-in person, beside oidc-provider',
    run: async () => (await import('./code-flow.ts')).measureCodeFlow(),
  },
  passwords: {
    sentence: 'signing in by password, beside bare hashes, while machines get tokens',
    run: async () => (await import('./passwords.ts')).measurePasswords(),
  },
  memory: {
    sentence: 'whether memory grows with the tokens that were given',
    run: async () => (await import('./memory.ts')).measureMemory(),
  },
  rows: {
    sentence: 'what is left of many refreshes in the database',
    run: async () => (await import('./rows.ts')).measureRows(),
  },
  import: {
    sentence: 'a hundred thousand people from a file, and who waits meanwhile',
    run: async () => (await import('./import.ts')).measureImport(),
  },
  flood: {
    sentence: 'how long a machine waits for a token while the server is flooded with passwords',
    run: async () => (await import('./flood.ts')).measureFlood(),
  },
  revocation: {
    sentence: 'from a request that revokes a token to the refusal of the last of four gateways',
    run: async () => (await import('./revocation.ts')).measureRevocation(),
  },
  'revocation-memory': {
    sentence: 'what a million revocations take of memory where they are followed',
    run: async () => (await import('./revocation-memory.ts')).measureRevocationMemory(),
  },
  management: {
    sentence: 'reading and finding users by the Management API among a hundred thousand, or `--users`',
    run: async () => (await import('./management.ts')).measureManagement(Number(values.users)),
  },
  gateway: {
    sentence: 'what the gateway lets through, beside one thread of HAProxy and express-oauth2-jwt-bearer',
    run: async () => (await import('./gateway.ts')).measureGateway(),
  },
  'gateway-memory': {
    sentence: 'what a million revocations and a hundred thousand tokens take in a gateway',
    run: async () => (await import('./gateway-memory.ts')).measureGatewayMemory(),
  },
  'gateway-soak': {
    sentence: 'a gateway over 30 minutes, or `--minutes`, with all that happens to one',
    onlyNamed: true,
    run: async () => (await import('./gateway-soak.ts')).measureGatewaySoak(Number(values.minutes)),
  },
}

const { values, positionals: named } = parseArgs({
  options: { minutes: { type: 'string', default: '30' }, users: { type: 'string', default: '100000' } },
  allowPositionals: true,
})
const unknown = named.filter(name => !Object.hasOwn(benches, name))
if (unknown.length > 0) {
  console.error(`There is no bench called ${unknown.join(', ')}. There is:`)
  for (const [name, { sentence }] of Object.entries(benches)) console.error(`  ${name}  ${sentence}`)
  process.exit(1)
}

const measured: Measured[] = []
for (const [name, { sentence, onlyNamed, run }] of Object.entries(benches)) {
  if (named.length > 0 ? !named.includes(name) : onlyNamed) continue
  console.log(`${name}: ${sentence}`)
  const figures = await run()
  console.log(renderFigures(figures))
  if (!figures.every(holds)) process.exitCode = 1
  measured.push({ name, sentence, figures })
}
console.log(`Kept in ${keep(measured, new Date())}`)
