/** What a command is to `main.ts`: its name, what it may be told, and how it is run. No command knows another. */
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'

export interface Command {
  /** One word or two: `serve`, `tenants create`. */
  readonly name: string
  /** What follows the name, for people: `<name> --issuer <url>`. */
  readonly usage: string
  readonly does: string
  /** Runs where there is no data, and makes no folder for it. */
  readonly isApart?: boolean
  /**
   * What is to be done, before any of it is.
   * @throws UsageError, or what `parseArgs` throws, for arguments that it does not take.
   */
  read(args: readonly string[]): () => Promise<unknown>
}

/** The arguments are at fault: whoever shows it shows the usage too. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

type Values<Options extends ParseArgsOptionsConfig> = ReturnType<typeof parseArgs<{ options: Options }>>['values']

interface Described<Options extends ParseArgsOptionsConfig, Needed extends keyof Options> {
  readonly name: string
  readonly usage: string
  readonly does: string
  readonly isApart?: boolean
  /** What its words are, in order. */
  readonly takes?: readonly string[]
  /** How many of them may be left out, from the end. */
  readonly optional?: number
  readonly options?: Options
  /** Options it cannot do without. */
  readonly needs?: readonly Needed[]
  run(
    values: Values<Options> & {
      readonly [Name in Needed]-?: NonNullable<Values<Options>[Name & keyof Values<Options>]>
    },
    ...words: string[]
  ): Promise<unknown>
}

export function command<const Options extends ParseArgsOptionsConfig, const Needed extends keyof Options & string>({
  takes = [],
  optional = 0,
  options,
  needs = [],
  run,
  ...described
}: Described<Options, Needed>): Command {
  return {
    ...described,
    read(args) {
      const { values, positionals: words } = parseArgs({
        args: [...args],
        allowPositionals: true,
        ...(options && { options }),
      })
      if (words.length > takes.length || words.length < takes.length - optional)
        throw new UsageError(
          `latchkey ${described.name} takes ${takes.join(' and ') || 'no argument'}, and nothing else.`,
        )
      for (const name of needs)
        if ((values as Record<string, unknown>)[name] === undefined)
          throw new UsageError(`latchkey ${described.name} needs --${name}.`)
      return () => run(values as Parameters<typeof run>[0], ...words)
    },
  }
}
