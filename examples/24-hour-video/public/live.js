/** How many watch which film, as it changes: a connection to the API while somebody is signed in, ended when that ends. */
import { io } from './vendor/socket.io.js'

/** @typedef {Record<string, number>} Views film → how many watch it; films that nobody watches are not there */

/**
 * @typedef {object} Live
 * @property {() => void} start to be called once somebody is signed in; again and again does no harm
 * @property {(film: string | undefined) => void} watch says which film this page shows
 * @property {(listener: (views: Views | undefined) => void, until: AbortSignal) => void} onViews tells at once, and then
 *   each time; undefined while nothing is known
 */

/** The gateway ends a connection with this when its token does not count any more. */
const TOKEN_ENDED = 4401
const UNAUTHORIZED = 401
/** Before it tries again, in milliseconds: between this and twice this. */
const PAUSE = 1000

/**
 * @param {string} api
 * @param {import('./account.js').Account} account
 * @param {() => void} ended is called when whoever was signed in is not any more
 * @returns {Live}
 */
export function openLive(api, account, ended) {
  // It comes back by itself, with another token. A page that is being left ends its connection before the browser does: else it
  // would close one that is still being made, and write to one that is closing.
  const socket = io(api, { autoConnect: false, reconnection: false, closeOnBeforeunload: true })
  let isStarted = false
  let isSecondTry = false
  /** @type {string | undefined} */
  let watched
  /** @type {Views | undefined} */
  let views
  /** @type {Set<(views: Views | undefined) => void>} */
  const listeners = new Set()

  /** @param {Views | undefined} now */
  function tell(now) {
    views = now
    for (const listener of listeners) listener(now)
  }

  /** @param {() => Promise<string>} getToken */
  async function connect(getToken) {
    let token
    try {
      token = await getToken()
    } catch (error) {
      if (!account.isOver(error)) return again()
      isStarted = false
      return ended()
    }
    // A browser cannot give a WebSocket a header, so that the token goes where protocols do; never into the address.
    Object.assign(socket.io.opts, { extraHeaders: { authorization: `Bearer ${token}` }, protocols: ['bearer', token] })
    socket.connect()
  }
  const again = () => setTimeout(() => connect(account.token), PAUSE * (1 + Math.random()))

  /** The token may only have grown old: then there is another, which is tried once without a pause. */
  function refused() {
    if (isSecondTry) return again()
    isSecondTry = true
    return connect(account.freshToken)
  }

  socket.on('connect', () => {
    isSecondTry = false
    socket.emit('watch', watched)
  })
  socket.on('views', tell)
  socket.on('disconnect', (_reason, details) => {
    tell(undefined)
    const { context, description } =
      /** @type {{ context?: { code?: number, status?: number }, description?: unknown }} */ (details ?? {})
    const isOver = context?.code === TOKEN_ENDED || context?.status === UNAUTHORIZED || description === UNAUTHORIZED
    if (isOver) refused()
    else again()
  })
  socket.on('connect_error', error => {
    const { description } = /** @type {{ description?: unknown }} */ (error)
    if (description === UNAUTHORIZED) refused()
    else again()
  })

  return {
    start() {
      if (isStarted) return
      isStarted = true
      connect(account.token)
    },
    watch(film) {
      watched = film
      if (socket.connected) socket.emit('watch', film)
    },
    onViews(listener, until) {
      listeners.add(listener)
      until.addEventListener('abort', () => listeners.delete(listener))
      listener(views)
    },
  }
}
