/** The pages a person sees, and the files they are made of. */
import type { ErrorPage } from '../http/faults.ts'
import type { Incoming, Route } from '../http/route.ts'
import { PageError } from '../kernel/errors.ts'
import { languages } from '../words/languages.ts'
import { accountRoutes } from './account.ts'
import { chooseAccountRoutes } from './choose-account.ts'
import { consentRoutes } from './consent.ts'
import { finishSignUpRoutes } from './finish-sign-up.ts'
import { forgotPasswordRoutes } from './forgot-password.ts'
import { leavingRoutes } from './leaving.ts'
import { organizationRoutes } from './organization.ts'
import { resetPasswordRoutes } from './reset-password.ts'
import type { LoginServices } from './services.ts'
import { type Face, show } from './show.ts'
import { signInRoutes } from './sign-in.ts'
import { signOutRoutes } from './sign-out.ts'
import { signUpRoutes } from './sign-up.ts'
import { verifyEmailRoutes } from './verify-email.ts'

export const loginRoutes = (services: LoginServices): readonly Route[] => [
  ...signInRoutes(services),
  ...signUpRoutes(services),
  ...finishSignUpRoutes(services),
  ...forgotPasswordRoutes(services),
  ...resetPasswordRoutes(services),
  ...verifyEmailRoutes(services),
  ...mailedSignInRoutes(services),
  ...releaseRoutes(services),
  ...chooseAccountRoutes(services),
  ...organizationRoutes(services),
  ...consentRoutes(services),
  ...accountRoutes(services),
  ...signOutRoutes(services),
  ...leavingRoutes(services),
  assetRoute(services),
]

/** Loaded when somebody first follows a link, or brings a code. */
function mailedSignInRoutes(services: LoginServices): readonly Route[] {
  type Pages = ReturnType<typeof import('./mailed-sign-in.ts').mailedSignInPages>
  const page = (method: 'GET' | 'POST', path: string, name: keyof Pages): Route => ({
    method,
    path,
    speaks: 'pages',
    answer: async incoming => (await import('./mailed-sign-in.ts')).mailedSignInPages(services)[name](incoming),
  })
  return [
    page('GET', '/passwordless/link/:secret', 'look'),
    page('POST', '/passwordless/link/:secret', 'follow'),
    page('GET', '/passwordless/verify_redirect', 'lookAtCode'),
    page('POST', '/passwordless/verify_redirect', 'followCode'),
  ]
}

/** Loaded when somebody first follows such a link. */
function releaseRoutes(services: LoginServices): readonly Route[] {
  const page = (method: 'GET' | 'POST', name: 'look' | 'release'): Route => ({
    method,
    path: '/sign-in-again/:secret',
    speaks: 'pages',
    answer: async incoming => (await import('./release.ts')).releasePages(services)[name](incoming),
  })
  return [page('GET', 'look'), page('POST', 'release')]
}

const assetRoute = ({ pages }: LoginServices): Route => ({
  method: 'GET',
  path: '/assets/:name',
  // They are the release's, not a tenant's, and the page that says that the database is away needs them.
  anyHost: true,
  // Asked for by a page, never by the person who looks at it.
  speaks: 'json',
  answer: incoming => {
    const asset = pages.asset(incoming.path['name'] ?? '')
    if (!asset) throw new PageError('not_found', 'There is no such file in this release.')
    const headers = {
      'content-type': asset.contentType,
      'cache-control': asset.cacheControl,
      etag: asset.etag,
      vary: 'accept-encoding',
      'x-content-type-options': 'nosniff',
    }
    if (incoming.header('if-none-match') === asset.etag) return { status: 304, headers }
    if (!takesGzip(incoming)) return { status: 200, headers, body: asset.body }
    // Other bytes, so not the strong tag (RFC 9110 §8.8.3.3); nobody asks again for what is kept for good.
    const { etag: _whole, ...packed } = headers
    return { status: 200, headers: { ...packed, 'content-encoding': 'gzip' }, body: asset.gzipped() }
  },
})

const takesGzip = (incoming: Incoming): boolean =>
  incoming
    .header('accept-encoding')
    ?.split(',')
    .some(coding => coding.trim().toLowerCase() === 'gzip') ?? false

/** For every surface that shows people their faults. */
export const errorPage =
  (services: LoginServices): ErrorPage =>
  async (incoming, error) =>
    show(
      services,
      incoming,
      'error',
      { code: error.code, detail: error.message, requestId: incoming.id },
      { status: error.status, face: await findFace(services, incoming) },
    )

/** Undefined for the tenant's own; of a tenant that cannot be asked for now, its host is all that is known. */
const findFace = ({ tenants }: LoginServices, incoming: Incoming): Promise<Face | undefined> =>
  tenants.find(incoming.tenant).then(
    () => undefined,
    () => ({
      name: incoming.header('host') ?? '',
      logoUrl: null,
      faviconUrl: null,
      accent: null,
      supportEmail: null,
      languages,
    }),
  )
