/** The organization that a sign-in is for, where the application did not say: named beforehand, or chosen afterwards. */
import type { Catalogue } from '../words/catalogue.ts'
import { initialsOf } from '../words/initials.ts'
import { isolatedName } from '../words/names.ts'
import { personView } from './person-view.ts'

export type NameOrganizationProblem = keyof Catalogue['nameOrganization']['problems']

/** Posts `organization`, a name, to `action`; with `none` instead where it may be none. */
export interface NameOrganizationModel {
  readonly action: string
  readonly application: string
  /** What was typed before. */
  readonly name: string
  readonly mayBeNone: boolean
  readonly problem?: NameOrganizationProblem | undefined
}

export const nameOrganizationView = (
  words: Catalogue['nameOrganization'],
  { action, application, name, mayBeNone, problem }: NameOrganizationModel,
) => ({
  title: words.title,
  heading: words.title,
  lead: words.lead(isolatedName(application)),
  problem: problem ? words.problems[problem] : null,
  action,
  field: { label: words.label, value: name, invalid: problem !== undefined, describedBy: problem ? 'problem' : null },
  act: words.act,
  none: mayBeNone ? words.none : null,
})

/** Posts `organization`, an id, to `action`; with `none` instead where it may be none. */
export interface ChooseOrganizationModel {
  readonly action: string
  readonly application: string
  /** In the order in which they are shown. */
  readonly organizations: readonly { readonly id: string; readonly name: string; readonly logoUrl: string | null }[]
  readonly mayBeNone: boolean
}

export const chooseOrganizationView = (
  words: Catalogue['chooseOrganization'],
  { action, application, organizations, mayBeNone }: ChooseOrganizationModel,
) => ({
  title: words.title,
  heading: words.title,
  lead: words.lead(isolatedName(application)),
  action,
  organizations: organizations.map(({ id, name, logoUrl }) => ({
    id,
    // Shown as people are: by picture or initials.
    shown: {
      ...personView({ name, email: null, pictureUrl: logoUrl ?? undefined }),
      initials: initialsOf(name, 'organization'),
    },
  })),
  none: mayBeNone ? words.none : null,
})
