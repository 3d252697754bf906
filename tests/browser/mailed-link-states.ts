/** The states of a forgotten password and of a new address, for `page-states.ts`. */
import type { NoticeModel } from '../../server/http/notice-view.ts'
import type { PageModels, ResetPasswordProblem } from '../../server/http/page-views.ts'
import { HOUR, MINUTE } from '../../server/kernel/seconds.ts'
import { LEAST_POLICY } from '../../server/policy/password-rule.js'
import { wordsOf } from '../../server/words/catalogue.ts'
import type { PageState } from './page-states.ts'

const email = 'ann@example.com'
const LONG_ADDRESS = `${'a'.repeat(80)}@example.com`
const HEBREW = 'וידאו 24 שעות'

const forgot: PageModels['forgot-password'] = { action: '/posted', email: '', signInUrl: '/sign-in' }
const reset: PageModels['reset-password'] = { action: '/posted', email, own: [], policy: LEAST_POLICY }
const verify: PageModels['verify-email'] = { action: '/posted', email }
const elsewhere = { forgotUrl: '/forgot' }
const problems = ['busy', ...Object.keys(wordsOf('en').newPassword.problems)] as ResetPasswordProblem[]

const notices: Readonly<Record<string, NoticeModel>> = {
  'reset-sent': { notice: 'reset-sent', email, linkLife: HOUR, signInUrl: '/sign-in' },
  'reset-over': { notice: 'reset-over', linkLife: HOUR, askUrl: '/ask' },
  'reset-used': { notice: 'reset-used', askUrl: '/ask' },
  'password-changed': { notice: 'password-changed' },
  'password-changed-on-the-way': {
    notice: 'password-changed',
    goOn: { application: '24-Hour Video', url: '/on' },
  },
  'address-confirmed': { notice: 'address-confirmed' },
  'verification-expired': { notice: 'verification-expired', email, action: '/posted' },
  'verification-over': { notice: 'verification-over' },
  'verification-required': {
    notice: 'verification-required',
    email,
    application: '24-Hour Video',
    goOnUrl: '/on',
  },
  'verification-sent': { notice: 'verification-sent', email },
  'sign-up-sent': { notice: 'sign-up-sent', email },
  'mailed-sign-in': { notice: 'mailed-sign-in', email, application: '24-Hour Video', action: '/posted' },
  'mailed-sign-in-over': { notice: 'mailed-sign-in-over' },
  release: { notice: 'release', email, action: '/posted', askUrl: '/ask' },
  released: { notice: 'released' },
  'release-over': { notice: 'release-over', askUrl: '/ask' },
  'names-reset-sent': { notice: 'reset-sent', email: LONG_ADDRESS, linkLife: HOUR, signInUrl: '/sign-in' },
  'names-password-changed': { notice: 'password-changed', goOn: { application: HEBREW, url: '/on' } },
}

export const mailedLinkStates: readonly PageState[] = [
  { name: 'forgot-password', show: ['forgot-password', forgot] },
  { name: 'forgot-password-known-address', show: ['forgot-password', { ...forgot, email }] },
  { name: 'forgot-password-by-itself', show: ['forgot-password', { ...forgot, signInUrl: undefined }] },
  {
    name: 'forgot-password-address_invalid',
    show: ['forgot-password', { ...forgot, email: 'ann at example', problem: 'address_invalid' }],
  },
  { name: 'reset-password', show: ['reset-password', reset] },
  { name: 'reset-password-names', show: ['reset-password', { ...reset, email: LONG_ADDRESS }] },
  ...problems.map(
    (problem): PageState => ({ name: `reset-password-${problem}`, show: ['reset-password', { ...reset, problem }] }),
  ),
  { name: 'verify-email', show: ['verify-email', { action: '/posted', email }] },
  { name: 'verify-email-names', show: ['verify-email', { action: '/posted', email: LONG_ADDRESS }] },
  { name: 'verify-email-elsewhere', show: ['verify-email', { ...verify, elsewhere }] },
  { name: 'verify-email-before-the-account', show: ['verify-email', { ...verify, elsewhere: {} }] },
  ...(['wrong', 'missing_password', 'busy', 'held'] as const).map(
    (problem): PageState => ({
      name: `verify-email-elsewhere-${problem}`,
      show: ['verify-email', { ...verify, elsewhere: { ...elsewhere, problem, wait: 4 * MINUTE } }],
    }),
  ),
  ...Object.entries(notices).map(([name, model]): PageState => ({ name: `notice-${name}`, show: ['notice', model] })),
]
