/**
 * Every state a hosted page can be in, as data: looked at by `tools/screenshots.ts`, judged by the tests. What the
 * pages are for and what leads to each state belongs to the flows.
 */

import type { PageModels, PageName, SignInProblem, SignUpProblem } from '../../server/http/page-views.ts'
import type { Frame } from '../../server/http/pages.ts'
import type { PageErrorCode } from '../../server/kernel/errors.ts'
import { MINUTE } from '../../server/kernel/seconds.ts'
import { LEAST_POLICY } from '../../server/policy/password-rule.js'
import { wordsOf } from '../../server/words/catalogue.ts'
import type { Language } from '../../server/words/languages.ts'
import { languageNames, languages } from '../../server/words/languages.ts'
import { accountStates } from './account-states.ts'
import { mailedLinkStates } from './mailed-link-states.ts'
import { organizationStates } from './organization-states.ts'

export interface PageState {
  /** Fit for a file name. */
  readonly name: string
  readonly brand?: Partial<Frame['brand']>
  readonly show: { readonly [N in PageName]: readonly [N, PageModels[N]] }[PageName]
  /** What somebody has typed as a password, for whoever looks at the page. */
  readonly typed?: string
}

const LONG = 'The Extraordinarily Long-Winded Broadcasting Cooperative of Greater Llanfairpwllgwyngyllgogerychwyrn'
const ENDLESS = 'x'.repeat(400)
const HEBREW = 'וידאו 24 שעות'
const HOSTILE = '</title><img src=x onerror=alert(1)>\u202egnp.exe & "Sons\'"'

const PICTURE = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 2"><path fill="#c86b3c" d="M0 0h2v2H0z"/><circle cx="1" cy="1" r=".5" fill="#fff"/></svg>',
)}`
const BROKEN_PICTURE = 'data:image/png,'

const asScopes = (values: readonly string[]) => values.map(value => ({ value, description: null }))

const TWELVE = ['videos', 'channels', 'comments', 'watch-history', 'live-transcripts-of-every-broadcast', 'billing']
  .flatMap(thing => [`read:${thing}`, `write:${thing}`])
  .map((value, index) => ({
    value,
    description: index % 3 === 0 ? `Do what ${value} stands for, in your name, wherever the application runs` : null,
  }))

/** One for each thing that the strength meter says. */
const TYPED = {
  'too-short': 'tea',
  'own-data': 'ann.example1',
  common: 'P@ssw0rd!',
  predictable: 'zyxwvutsrq98765',
  weak: 'teapotteapot7',
  fair: 'harbour42x',
  good: 'monsoon lamp',
  strong: 'a lighthouse in the fog',
} as const

const application = '24-Hour Video'
const email = 'ann@example.com'
const signIn = { action: '/posted', application, email: '', signUpUrl: '/sign-up', forgotUrl: '/forgot' }
const signUp = { action: '/posted', application, email: '', policy: LEAST_POLICY, signInUrl: '/sign-in' }
const consent: PageModels['consent'] = {
  action: '/posted',
  shown: 'digest',
  application,
  person: { name: 'Ann Example', email },
  anotherAccountUrl: '/another',
  asks: [
    { api: null, scopes: asScopes(['openid', 'profile', 'email']) },
    {
      api: 'Video API',
      scopes: [
        { value: 'write:videos', description: 'Upload videos in your name' },
        { value: 'read:history', description: 'See what you have watched' },
      ],
    },
  ],
}
const signOut = {
  action: '/posted',
  fields: [
    { name: 'client_id', value: 'video' },
    { name: 'state', value: '"><script>alert(1)</script>' },
  ],
  cancelUrl: '/sign-in',
}

const english = wordsOf('en')
const keysOf = <K extends string>(record: Readonly<Record<K, unknown>>) => Object.keys(record) as K[]

export const pageStates: readonly PageState[] = [
  { name: 'sign-in', show: ['sign-in', signIn] },
  { name: 'sign-in-known-address', show: ['sign-in', { ...signIn, email }] },
  { name: 'sign-in-typed', show: ['sign-in', { ...signIn, email }], typed: 'a lighthouse in the fog' },
  { name: 'sign-in-another-account', show: ['sign-in', { ...signIn, accountsUrl: '/accounts' }] },
  { name: 'sign-in-invitation-only', show: ['sign-in', { ...signIn, signUpUrl: undefined }] },
  ...keysOf<SignInProblem>({ ...english.signIn.problems, held: null }).map(
    (problem): PageState => ({
      name: `sign-in-${problem}`,
      show: ['sign-in', { ...signIn, email: problem === 'missing_email' ? '' : email, problem, wait: 4 * MINUTE }],
    }),
  ),
  { name: 'sign-up', show: ['sign-up', signUp] },
  ...Object.entries(TYPED).map(
    ([kind, typed]): PageState => ({ name: `sign-up-typed-${kind}`, show: ['sign-up', { ...signUp, email }], typed }),
  ),
  ...keysOf<SignUpProblem>({ ...english.signUp.problems, ...english.newPassword.problems, held: null }).map(
    (problem): PageState => ({
      name: `sign-up-${problem}`,
      show: [
        'sign-up',
        {
          ...signUp,
          email,
          ...(problem.startsWith('username_') && { username: { typed: 'ann', shortest: 1, longest: 15 } }),
          problem,
          wait: 4 * MINUTE,
        },
      ],
    }),
  ),
  { name: 'sign-in-by-name', show: ['sign-in', { ...signIn, takesUsername: true }] },
  {
    name: 'sign-up-of-a-strict-database',
    show: [
      'sign-up',
      {
        ...signUp,
        username: { typed: '', shortest: 3, longest: 15 },
        policy: {
          ...LEAST_POLICY,
          minimumLength: 10,
          kinds: { of: ['lowercase', 'uppercase', 'number', 'special'], atLeast: 3 },
        },
      },
    ],
  },
  { name: 'consent', show: ['consent', consent] },
  {
    name: 'consent-korean',
    brand: { name: '24시간 비디오' },
    show: [
      'consent',
      {
        ...consent,
        application: '24시간 비디오',
        person: { name: '김민준', email: 'minjun@example.com', pictureUrl: PICTURE },
        asks: [
          { api: null, scopes: asScopes(['openid', 'email', 'offline_access']) },
          { api: '비디오 API', scopes: [{ value: 'write:videos', description: '내 이름으로 비디오 올리기' }] },
        ],
      },
    ],
  },
  {
    name: 'consent-everything',
    show: [
      'consent',
      {
        ...consent,
        person: { name: email, email, pictureUrl: BROKEN_PICTURE },
        asks: [
          { api: null, scopes: asScopes(['openid', 'profile', 'email', 'address', 'phone', 'offline_access']) },
          { api: 'Video API', scopes: TWELVE },
        ],
      },
    ],
  },
  {
    name: 'consent-account-only',
    show: ['consent', { ...consent, asks: [{ api: null, scopes: asScopes(['openid']) }] }],
  },
  ...accountStates,
  ...mailedLinkStates,
  ...organizationStates,
  { name: 'sign-out', show: ['sign-out', signOut] },
  {
    name: 'sign-out-asked',
    brand: { name: 'Moonlight Media' },
    show: ['sign-out', { ...signOut, application, cancelUrl: undefined }],
  },
  // Leads nowhere, so that it can be looked at.
  { name: 'leaving', show: ['leaving', { frames: [], nextUrl: '#' }] },
  { name: 'signed-out', show: ['signed-out', {}] },
  { name: 'signed-out-everywhere', show: ['signed-out', { everywhere: true }] },
  { name: 'signed-out-of', show: ['signed-out', { application, returnUrl: '/back' }] },
  ...keysOf<PageErrorCode>(english.error.causes).map(
    (code): PageState => ({
      name: `error-${code}`,
      show: [
        'error',
        { code, detail: 'redirect_uri is not registered: https://x.example/cb', requestId: 'req_3v0Zk9' },
      ],
    }),
  ),
  ...Object.entries({ long: LONG, endless: ENDLESS, hebrew: HEBREW, hostile: HOSTILE }).flatMap(([kind, name]) => [
    {
      name: `names-${kind}-sign-in`,
      brand: { name },
      show: [
        'sign-in',
        { ...signIn, application: name, email: `${'a'.repeat(80)}@example.com`, problem: 'wrong_credentials' },
      ],
    } satisfies PageState,
    {
      name: `names-${kind}-signed-out`,
      brand: { name },
      show: ['signed-out', { application: name, returnUrl: '/back' }],
    } satisfies PageState,
    {
      name: `names-${kind}-consent`,
      brand: { name },
      show: [
        'consent',
        {
          ...consent,
          application: name,
          person: { name, email: `${'a'.repeat(80)}@example.com` },
          asks: [{ api: name, scopes: [null, name].map(description => ({ value: name, description })) }],
        },
      ],
    } satisfies PageState,
    { name: `names-${kind}-sign-out`, brand: { name }, show: ['sign-out', signOut] } satisfies PageState,
  ]),
  ...Object.entries({ yellow: '#ffd400', navy: '#001a4d', grey: '#808080', white: '#ffffff' }).map(
    ([colour, accent]): PageState => ({
      name: `accent-${colour}`,
      brand: { accent: { light: accent, dark: accent } },
      show: ['sign-in', { ...signIn, email }],
    }),
  ),
  {
    name: 'accent-yellow-consent',
    brand: { accent: { light: '#ffd400', dark: '#ffd400' } },
    show: ['consent', consent],
  },
]

export function frameOf(state: PageState, language: Language, nonce: string): Frame {
  return {
    language,
    nonce,
    brand: { name: application, ...state.brand },
    languageLinks: languages.map(each => ({
      language: each,
      name: languageNames[each],
      href: `?language=${each}`,
      current: each === language,
    })),
    links: { privacy: '/privacy', terms: '/terms' },
  }
}
