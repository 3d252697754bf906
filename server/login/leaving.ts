/** The page on the way out: it loads what applications end their sessions with, gives them time, and goes on. */
import type { Answer, Incoming, Route } from '../http/route.ts'
import { findHere } from '../identity/bound-tickets.ts'
import { LEAVING_TICKET, type Leaving } from '../identity/leaving.ts'
import { originOf } from '../kernel/url.ts'
import type { LoginServices } from './services.ts'
import { show } from './show.ts'

export function leavingRoutes(services: LoginServices): readonly Route[] {
  /** Not spent: whoever loads it again may have waited for nothing the first time. */
  async function look(incoming: Incoming): Promise<Answer> {
    const { data } = await findHere<Leaving>(services.store, incoming, LEAVING_TICKET, services.clock())
    const { frames, to, uiLocales } = data
    return show(
      services,
      incoming,
      'leaving',
      { frames, nextUrl: to },
      { uiLocales, frameSources: frames.map(originOf) },
    )
  }

  return [{ method: 'GET', path: '/leaving/:id', speaks: 'pages', answer: look }]
}
