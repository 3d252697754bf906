/**
 * The form of what shows that a module's test can fail: one check dropped or broken in one place of the product. The
 * places stand in `mutations/`; `npm run check:mutations` breaks each in turn and expects the module's test to notice.
 */

export interface Mutation {
  /** From the root of the repository. */
  readonly file: string
  /** What is there, once in the file. */
  readonly from: string
  readonly to: string
  /** Of a plan that is played in several flows, another one than the plan's usual to notice it in. */
  readonly flow?: string
}

/** Module → what breaks it. */
export type Mutations<Module extends string = string> = Readonly<Record<Module, readonly Mutation[]>>

/** `inFile(file)`, and then what is replaced by what. */
export const inFile =
  (file: string) =>
  (from: string, to: string): Mutation => ({ file, from, to })

/** The same, to be noticed in that flow. */
export const inFlow = (flow: string, mutations: readonly Mutation[]): readonly Mutation[] =>
  mutations.map(mutation => ({ ...mutation, flow }))
