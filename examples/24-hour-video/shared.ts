/**
 * What the processes of the API agree on: the films, and how many people watch each. The page's process keeps both and
 * tells every process of the API, over the channel that Node opens to a child; no port and no other program is needed.
 * A process that dies takes its viewers with it, and the films stay.
 */
import { createTitles, type Title } from './titles.ts'

/** Film → how many watch it. Films that nobody watches are not there. */
export type Views = Readonly<Record<string, number>>

/** From a process of the API. */
type Report =
  | { readonly said: 'watching'; readonly views: Views }
  | { readonly said: 'add'; readonly ask: number; readonly title: unknown }

/** To a process of the API. */
type News =
  | { readonly said: 'films'; readonly films: readonly Title[] }
  | { readonly said: 'views'; readonly views: Views }
  | { readonly said: 'added'; readonly ask: number; readonly film?: Title; readonly problem?: string }

/** One end of a channel: a child process, or the process itself. */
export interface Channel {
  send(message: News | Report): void
  onMessage(listener: (message: never) => void): void
}

/** How often everybody is told of views, in milliseconds: often enough to be live, and no flood where many come and go. */
const TELL_EVERY = 100

export interface Hub {
  /** A process of the API joins. Answers how it leaves. */
  join(channel: Channel): () => void
}

/** In the process of the page. */
export function createHub(): Hub {
  const titles = createTitles()
  const members = new Map<Channel, Views>()
  let isTold = true

  const tellAll = (news: News) => {
    for (const channel of members.keys()) channel.send(news)
  }
  function tellSoon() {
    if (!isTold) return
    isTold = false
    setTimeout(() => {
      isTold = true
      tellAll({ said: 'views', views: sum(members.values()) })
    }, TELL_EVERY).unref()
  }

  function add(channel: Channel, ask: number, title: unknown) {
    try {
      const film = titles.add(title)
      // In this order: whoever is told that it was added finds it in the list.
      tellAll({ said: 'films', films: titles.list() })
      channel.send({ said: 'added', ask, film })
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      channel.send({ said: 'added', ask, problem: error.message })
    }
  }

  return {
    join(channel) {
      members.set(channel, {})
      channel.onMessage((report: Report) => {
        if (report.said === 'add') return add(channel, report.ask, report.title)
        if (report.said !== 'watching') return
        members.set(channel, report.views)
        tellSoon()
      })
      channel.send({ said: 'films', films: titles.list() })
      channel.send({ said: 'views', views: sum(members.values()) })
      return () => {
        members.delete(channel)
        tellSoon()
      }
    },
  }
}

function sum(all: Iterable<Views>): Views {
  const total: Record<string, number> = {}
  for (const views of all) for (const [film, count] of Object.entries(views)) total[film] = (total[film] ?? 0) + count
  return total
}

export interface Shared {
  list(): readonly Title[]
  /** @throws RangeError for what is no title. */
  add(title: unknown): Promise<Title>
  views(): Views
  /** How many watch each film in this process. */
  watching(views: Views): void
  onViews(listener: (views: Views) => void): void
}

/** In a process of the API: resolves once it knows what the others know. */
export function joinHub(channel: Channel): Promise<Shared> {
  let films: readonly Title[] | undefined
  let views: Views = {}
  let asks = 0
  const asked = new Map<number, { resolve(film: Title): void; reject(error: unknown): void }>()
  const listeners: ((views: Views) => void)[] = []

  const shared: Shared = {
    list: () => films ?? [],
    add(title) {
      const ask = asks++
      return new Promise((resolve, reject) => {
        asked.set(ask, { resolve, reject })
        channel.send({ said: 'add', ask, title })
      })
    },
    views: () => views,
    watching: ours => channel.send({ said: 'watching', views: ours }),
    onViews: listener => listeners.push(listener),
  }
  return new Promise(resolve => {
    channel.onMessage((news: News) => {
      if (news.said === 'films') {
        films = news.films
        resolve(shared)
      } else if (news.said === 'views') {
        views = news.views
        for (const listener of listeners) listener(views)
      } else {
        const { film, problem } = news
        if (film) asked.get(news.ask)?.resolve(film)
        else asked.get(news.ask)?.reject(new RangeError(problem))
        asked.delete(news.ask)
      }
    })
  })
}
