/** The pages a person sees, and the files they are made of. */
import type { ErrorPage } from '../http/faults.ts'
import type { Route } from '../http/route.ts'
import { PageError } from '../kernel/errors.ts'
import { consentRoutes } from './consent.ts'
import type { LoginServices } from './services.ts'
import { show } from './show.ts'
import { signInRoutes } from './sign-in.ts'
import { signOutRoutes } from './sign-out.ts'
import { signUpRoutes } from './sign-up.ts'

export const loginRoutes = (services: LoginServices): readonly Route[] => [
  ...signInRoutes(services),
  ...signUpRoutes(services),
  ...consentRoutes(services),
  ...signOutRoutes(services),
  assetRoute(services),
]

const assetRoute = ({ pages }: LoginServices): Route => ({
  method: 'GET',
  path: '/assets/:name',
  // Asked for by a page, never by the person who looks at it.
  speaks: 'json',
  answer: incoming => {
    const asset = pages.asset(incoming.path['name'] ?? '')
    if (!asset) throw new PageError('not_found', 'There is no such file in this release.')
    const headers = {
      'content-type': asset.contentType,
      'cache-control': asset.cacheControl,
      etag: asset.etag,
      'x-content-type-options': 'nosniff',
    }
    return incoming.header('if-none-match') === asset.etag
      ? { status: 304, headers }
      : { status: 200, headers, body: asset.body }
  },
})

/** For every surface that shows people their faults. */
export const errorPage =
  (services: LoginServices): ErrorPage =>
  (incoming, error) =>
    show(
      services,
      incoming,
      'error',
      { code: error.code, detail: error.message, requestId: incoming.id },
      { status: error.status },
    )
