/** Signing in by password, beside bare Argon2id of the same cost on the same processor, while a machine asks for tokens. */
import { availableParallelism } from 'node:os'
import { hashPassword } from '../server/identity/password-hash.ts'
import { quantile } from '../tests/attacks/flooded-server.ts'
import { startBare } from './bare.ts'
import { startProduct } from './contenders.ts'
import { duel, ratioOf, spreadOf } from './duel.ts'
import type { Figure } from './figure.ts'
import { startGenerator } from './load/generator.ts'
import { cores } from './processes.ts'
import { askForToken } from './tokens.ts'
import { ANN } from './world.ts'

/** Enough that a hash is always under way, few enough that nobody waits for longer than the queue lets them. */
const PEOPLE = 4
/** Hashes side by side on one processor take its cache from one another: alone, it does the most. */
const ALONE = cores.measured === null ? availableParallelism() : 1
/** Between two tokens of the machine, in milliseconds: it is to be answered in time, not to take the processor. */
const BETWEEN_TOKENS = 25
const LENGTH = { rounds: 6, slice: 2500, warmUp: 2500 }

export async function measurePasswords(): Promise<readonly Figure[]> {
  const product = await startProduct({ store: 'sqlite' })
  const bare = startBare(cores.measured)
  const { host, port, issuer } = product
  const form = new URLSearchParams({ username: ANN.email, password: ANN.password }).toString()
  const signIn = { name: 'sign-in', algorithm: 'ES256', form, origin: new URL(issuer).origin } as const
  const people = await startGenerator({ host, port, scenario: signIn, inFlight: PEOPLE }, cores.asking)
  const asking = { host, port, scenario: askForToken('RS256'), inFlight: 1, pause: BETWEEN_TOKENS }
  const machine = await startGenerator(asking, cores.asking)
  try {
    const waits: number[] = []
    const rates = await duel(
      [
        {
          name: 'latchkey',
          async work(milliseconds) {
            const limit = { milliseconds }
            const [signedIn, tokens] = await Promise.all([people.run(limit), machine.run(limit)])
            waits.push(...tokens.times)
            return (signedIn.turns / signedIn.milliseconds) * 1000
          },
        },
        { name: 'bare', work: milliseconds => bare.measure({ call: 'argon2id', inFlight: ALONE, milliseconds }) },
      ],
      LENGTH,
    )
    const { median, lower, upper } = ratioOf(rates, 'latchkey', 'bare')
    const aSecond = (party: string) => spreadOf(rates[party] ?? []).median.toFixed(1)
    const [, algorithm, , cost] = (await hashPassword('any')).split('$')
    return [
      {
        name: `password sign-ins, to bare ${algorithm} (${cost})`,
        measured: median,
        unit: '×',
        bar: { atLeast: 0.8 },
        spread: { lower, upper },
        detail: `${aSecond('latchkey')} to ${aSecond('bare')} a second`,
      },
      {
        name: 'a token meanwhile, RS256, p99',
        measured: quantile(waits, 0.99),
        unit: 'ms',
        bar: { under: 30 },
        detail: `median ${quantile(waits, 0.5).toFixed(1)} ms of ${waits.length}`,
      },
    ]
  } finally {
    for (const { stop } of [people, machine, bare, product]) await stop()
  }
}
