/** Where somebody goes when a link that an operator handed over has done its work. */

/** A type and not an interface, because it is stored as JSON. */
export type Onward = {
  /** As it was found among those that are allowed, then; null for none. */
  readonly resultUrl: string | null
  /** Whether the address stands in it, for the page there. */
  readonly withEmail: boolean
  /** The application whose sign-in comes next, by its id; null for none. */
  readonly client: string | null
}

export const NOWHERE: Onward = { resultUrl: null, withEmail: false, client: null }

/** Auth0's parameters, in the query of the URL. */
export function resultUrlOf({ resultUrl, withEmail }: Onward, email: string | null, message: string): string | null {
  if (resultUrl === null) return null
  const url = new URL(resultUrl)
  if (withEmail && email !== null) url.searchParams.set('email', email)
  url.searchParams.set('success', 'true')
  url.searchParams.set('code', 'success')
  url.searchParams.set('message', message)
  return url.href
}
