/** The films' server, as functions. It is reached through the gateway, which is another origin than the page's. */

/** @typedef {{ id: string, title: string, titles?: Record<string, string> }} Film */
/** @typedef {{ sub: string, scopes: string[], issued_at: number, expires_at: number }} Access */

/** The server said no. `status` is what the page goes by. */
export class ApiError extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message)
    this.status = status
  }
}

/** Whether the token does not count, whatever else it is good for. @param {unknown} error */
export const isRefused = error => error instanceof ApiError && error.status === 401

/**
 * @typedef {object} Catalogue
 * @property {() => Promise<Film[]>} list newest first
 * @property {(token: string, title: string) => Promise<Film>} upload
 * @property {(token: string) => Promise<Access>} access
 * @property {(token: string) => Promise<void>} signOutEverywhere
 */

/** @param {string} api @returns {Catalogue} */
export function openCatalogue(api) {
  /** @param {string} path @param {RequestInit} [request] */
  async function call(path, request) {
    const response = await fetch(new URL(path, api), request)
    const body = await response.json().catch(() => ({}))
    // The API and the gateway before it call what they say in two ways.
    if (!response.ok) throw new ApiError(response.status, body.message ?? body.error_description ?? response.statusText)
    return body
  }
  /** @param {string} token */
  const as = token => ({ authorization: `Bearer ${token}` })

  return {
    list: async () => (await call('/api/videos')).videos,
    upload: (token, title) =>
      call('/api/videos', {
        method: 'POST',
        headers: { ...as(token), 'content-type': 'application/json' },
        body: JSON.stringify({ title }),
      }),
    access: token => call('/api/me', { headers: as(token) }),
    signOutEverywhere: token => call('/api/sign-out-everywhere', { method: 'POST', headers: as(token) }),
  }
}

/** @param {Film} film @param {string} language */
export const titleIn = (film, language) => film.titles?.[language] ?? film.title
