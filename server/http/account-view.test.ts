import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wordsOf } from '../words/catalogue.ts'
import { type AccountModel, accountView } from './account-view.ts'

const NOW = 1_800_000_000_000
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0'

const session = (id: string, userAgent: string | null = FIREFOX) => ({
  id,
  userAgent,
  startedAt: NOW - 86_400_000,
  usedAt: NOW - 60_000,
})
const view = (members: Partial<AccountModel> = {}) =>
  accountView(
    wordsOf('en'),
    {
      person: { name: 'Ann Example', email: 'ann@example.com' },
      isUnconfirmed: false,
      acting: 'here',
      now: NOW,
      sessions: [session('here')],
      applications: [],
      chooseUrl: '/choose',
      ...members,
    },
    'en',
  )

test('the session that the page is shown in is marked, and no other', () => {
  const { lines } = view({ sessions: [session('there'), session('here')] }).sessions
  assert.deepEqual(
    lines.map(({ id, here }) => [id, here]),
    [
      ['there', null],
      ['here', 'This browser'],
    ],
  )
})

test('a session says which device it is on, since when, and when it was used last', () => {
  const [known, unknown] = view({ sessions: [session('here'), session('old', null)] }).sessions.lines
  assert.deepEqual(known, {
    id: 'here',
    device: 'Firefox · Linux',
    here: 'This browser',
    signedIn: { at: '2027-01-14T08:00:00.000Z', text: 'Signed in yesterday' },
    lastUsed: { at: '2027-01-15T07:59:00.000Z', text: 'Last used 1 minute ago' },
  })
  assert.equal(unknown?.device, 'Unknown device')
})

test('whoever is signed in once is offered no end of all others', () => {
  assert.equal(view().sessions.others, null)
  assert.equal(view({ sessions: [session('here'), session('there')] }).sessions.others, 'Sign out all others')
})

test('of very many sessions the first are shown, and it is said that there are more', () => {
  const many = (count: number) => view({ sessions: Array.from({ length: count }, (_, index) => session(`${index}`)) })
  assert.deepEqual([many(20).sessions.lines.length, many(20).sessions.note], [20, null])
  assert.equal(many(21).sessions.lines.length, 20)
  assert.match(many(21).sessions.note ?? '', /most recent/)
})

test('only an application that holds something while the person is away is said to stay signed in', () => {
  const application = { client: 'app', name: 'App', asks: [] }
  const [stays, asks] = view({
    applications: [
      { ...application, usedOfflineAt: NOW },
      { ...application, usedOfflineAt: null },
    ],
  }).applications.lines
  assert.deepEqual([stays?.stays, stays?.lastUsed?.text], ['Stays signed in', 'Last used now'])
  assert.deepEqual([asks?.stays, asks?.lastUsed], [null, null])
})
