/** The films' server, as functions. */

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

/** @returns {Promise<Film[]>} newest first */
export const listFilms = async () => (await call('/api/videos')).videos

/** @param {string} token @param {string} title @returns {Promise<Film>} */
export const uploadFilm = (token, title) =>
  call('/api/videos', {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ title }),
  })

/** @param {string} token @returns {Promise<Access>} */
export const readAccess = token => call('/api/me', { headers: { authorization: `Bearer ${token}` } })

/** @param {Film} film @param {string} language */
export const titleIn = (film, language) => film.titles?.[language] ?? film.title

/** @param {string} path @param {RequestInit} [request] */
async function call(path, request) {
  const response = await fetch(path, request)
  const body = await response.json().catch(() => ({}))
  if (!response.ok) throw new ApiError(response.status, body.message ?? response.statusText)
  return body
}
