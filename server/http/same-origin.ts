/**
 * Who sent a form. A page of ours posts to itself, so a post from any other site is somebody else's form.
 * This stands beside the browser's own bound ticket, not in its place.
 */
import { PageError } from '../kernel/errors.ts'
import type { Incoming } from './route.ts'

/**
 * Browsers say where a post comes from: `Sec-Fetch-Site` in all current ones, `Origin` in those before. A post
 * that says neither is not a browser's, or is hiding it.
 */
export function refuseForeignPost(incoming: Incoming): void {
  const site = incoming.header('sec-fetch-site')
  const same = site === undefined ? incoming.header('origin') === originOfIssuer(incoming) : site === 'same-origin'
  if (!same) throw new PageError('cross_site_post', 'The form was not sent from a page of this server.')
}

const originOfIssuer = (incoming: Incoming): string => incoming.issuer.slice(0, -1)
