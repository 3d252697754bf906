/** The states of the pages that ask for an organization, for `page-states.ts`. */
import type { PageModels } from '../../server/http/page-views.ts'
import type { PageState } from './page-states.ts'

const LOGO = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 2"><path fill="#7a1f5c" d="M0 0h2v2H0z"/><path fill="#fff" d="M.5 1.5 1 .5l.5 1z"/></svg>',
)}`
const application = '24-Hour Video'

const named: PageModels['name-organization'] = { action: '/posted', application, name: '', mayBeNone: false }
const chosen: PageModels['choose-organization'] = {
  action: '/posted',
  application,
  organizations: [
    { id: 'org_1', name: 'Acme Inc.', logoUrl: LOGO },
    { id: 'org_2', name: '한빛 영상', logoUrl: null },
    { id: 'org_3', name: 'Lantern Film Society', logoUrl: null },
  ],
  mayBeNone: false,
}

export const organizationStates: readonly PageState[] = [
  { name: 'name-organization', show: ['name-organization', { ...named, mayBeNone: true }] },
  {
    name: 'name-organization-unknown',
    show: ['name-organization', { ...named, name: 'x'.repeat(100), problem: 'unknown' }],
  },
  { name: 'choose-organization', show: ['choose-organization', { ...chosen, mayBeNone: true }] },
  {
    name: 'choose-organization-names',
    show: [
      'choose-organization',
      {
        ...chosen,
        organizations: [
          {
            id: 'org_1',
            name: 'The Extraordinarily Long-Winded Broadcasting Cooperative of Everywhere',
            logoUrl: null,
          },
          { id: 'org_2', name: '\u202emoc.elpmaxe <b>', logoUrl: 'data:image/png,' },
          { id: 'org_3', name: 'محمد', logoUrl: null },
        ],
      },
    ],
  },
  {
    name: 'sign-in-organization',
    brand: { name: 'Acme Inc.', logoUrl: LOGO, accent: { light: '#7a1f5c', dark: '#7a1f5c' } },
    show: ['sign-in', { action: '/posted', application, email: '', forgotUrl: '/forgot' }],
  },
]
