/** The states of the account chooser and of a person's own page, for `page-states.ts`. */
import type { PageModels } from '../../server/http/page-views.ts'
import { DAY, HOUR, MINUTE } from '../../server/kernel/seconds.ts'
import type { PageState } from './page-states.ts'

const NOW = 1_800_000_000_000
const LONG_NAME = 'Wilhelmina Charlotte Friederike Antonie von Hohenzollern-Sigmaringen zu Löwenstein-Wertheim'
const LONG_ADDRESS = `${'a'.repeat(80)}@example.com`
const ARABIC = 'محمد بن عبد الرحمن'

const WEBKIT = 'AppleWebKit/537.36 (KHTML, like Gecko)'
const CHROME = `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${WEBKIT} Chrome/141.0.0.0 Safari/537.36`
const PHONE = `Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) ${WEBKIT} Version/18.6 Mobile Safari/604.1`
const TABLET = `Mozilla/5.0 (Linux; Android 14; SM-X910) ${WEBKIT} SamsungBrowser/28.0 Chrome/130.0 Safari/537.36`

const ann = { name: 'Ann Example', email: 'ann@example.com' }
const chooser: PageModels['choose-account'] = {
  action: '/posted',
  application: '24-Hour Video',
  accounts: [
    { session: 'ses_1', person: ann },
    { session: 'ses_2', person: { name: '김민준', email: 'minjun@example.com' } },
    { session: 'ses_3', person: { name: 'ann.at.work@example.org', email: 'ann.at.work@example.org' } },
  ],
  anotherUrl: '/another',
}

const scopes = (...values: string[]) => values.map(value => ({ value, description: null }))
const session = (id: string, userAgent: string | null, startedAt: number, usedAt: number) => ({
  id,
  userAgent,
  startedAt: NOW - startedAt,
  usedAt: NOW - usedAt,
})
const account: PageModels['account'] = {
  person: ann,
  isUnconfirmed: false,
  acting: 'ses_1',
  now: NOW,
  sessions: [
    session('ses_1', CHROME, 2 * DAY, 0),
    session('ses_2', PHONE, 3 * DAY, 5 * MINUTE),
    session('ses_3', null, 6 * DAY, DAY),
  ],
  applications: [
    {
      client: 'film-club',
      name: 'Film Club',
      asks: [
        { api: null, scopes: scopes('openid', 'profile', 'email', 'offline_access') },
        { api: 'Video API', scopes: [{ value: 'read:videos', description: 'See the videos you uploaded' }] },
      ],
      usedOfflineAt: NOW - 3 * HOUR,
    },
    { client: 'player', name: '24-Hour Video', asks: [], usedOfflineAt: NOW - 10 * MINUTE },
    { client: 'archive', name: 'Archive', asks: [{ api: null, scopes: scopes('openid') }], usedOfflineAt: null },
  ],
  chooseUrl: '/choose',
}
const many = Array.from({ length: 30 }, (_, index) =>
  session(`ses_${index + 1}`, [CHROME, PHONE, TABLET][index % 3] ?? null, (index + 1) * HOUR, index * 40 * MINUTE),
)

export const accountStates: readonly PageState[] = [
  { name: 'choose-account', show: ['choose-account', chooser] },
  { name: 'choose-account-one', show: ['choose-account', { ...chooser, accounts: chooser.accounts.slice(0, 1) }] },
  { name: 'choose-account-gone', show: ['choose-account', { ...chooser, problem: 'gone' }] },
  {
    name: 'choose-account-names',
    show: [
      'choose-account',
      {
        ...chooser,
        accounts: [
          { session: 'ses_1', person: { name: LONG_NAME, email: LONG_ADDRESS } },
          { session: 'ses_2', person: { name: ARABIC, email: 'mohammed@example.com' } },
          { session: 'ses_3', person: { name: ' ', email: LONG_ADDRESS } },
          { session: 'ses_4', person: { name: '\u202emoc.elpmaxe', email: null } },
        ],
      },
    ],
  },
  { name: 'account', show: ['account', account] },
  {
    name: 'account-fresh',
    show: ['account', { ...account, sessions: account.sessions.slice(0, 1), applications: [] }],
  },
  { name: 'account-unconfirmed', show: ['account', { ...account, isUnconfirmed: true }] },
  {
    name: 'account-many',
    show: [
      'account',
      {
        ...account,
        person: { name: LONG_NAME, email: LONG_ADDRESS },
        sessions: many,
        applications: [LONG_NAME, ARABIC].map(name => ({
          client: name,
          name,
          asks: [{ api: name, scopes: [{ value: 'x'.repeat(200), description: null }] }],
          usedOfflineAt: null,
        })),
      },
    ],
  },
]
