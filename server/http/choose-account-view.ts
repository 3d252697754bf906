/** The account chooser: who is signed in in this browser, each a button. */
import type { Catalogue } from '../words/catalogue.ts'
import { isolatedName } from '../words/names.ts'
import { type Person, personView } from './person-view.ts'

export type ChooseAccountProblem = 'gone'

/** Posts `session`, the id of the account that was chosen, to `action`. */
export interface ChooseAccountModel {
  readonly action: string
  readonly application: string
  /** In the order in which they are shown. */
  readonly accounts: readonly { readonly session: string; readonly person: Person }[]
  readonly anotherUrl: string
  readonly problem?: ChooseAccountProblem | undefined
}

export const chooseAccountView = (
  words: Catalogue['chooseAccount'],
  { action, application, accounts, anotherUrl, problem }: ChooseAccountModel,
) => ({
  title: words.title,
  heading: words.title,
  lead: words.lead(isolatedName(application)),
  problem: problem ? words[problem] : null,
  action,
  accounts: accounts.map(({ session, person }) => ({ session, person: personView(person) })),
  another: { text: words.another, url: anotherUrl },
})
