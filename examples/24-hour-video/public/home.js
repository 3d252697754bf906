/** The first page: the films, and the form that adds one. */
import { ApiError, isRefused, titleIn } from './catalogue.js'
import { element } from './element.js'
import { drawFilm, hourThere, writeHour } from './film.js'

/** @param {import('./app.js').Scope} scope @returns {Promise<HTMLElement>} */
export async function homePage(scope) {
  const { say } = scope
  const list = element('ul', { id: 'videos', className: 'films' })
  await fillList(list, scope)
  return element(
    'div',
    {},
    element(
      'div',
      { className: 'opening' },
      element('h1', {}, say('headline')),
      element('p', { className: 'lead' }, say('lead')),
    ),
    scope.account.user ? uploadForm(scope, list) : uploadInvitation(scope),
    element('h2', { className: 'unseen' }, say('films')),
    list,
  )
}

/** @param {HTMLUListElement} list @param {import('./app.js').Scope} scope */
async function fillList(list, scope) {
  const films = await scope.catalogue.list()
  list.replaceChildren(...films.map(film => filmCard(film, scope)))
}

/** @param {import('./catalogue.js').Film} film @param {import('./app.js').Scope} scope */
function filmCard(film, { live, leaving, language, say }) {
  const hour = hourThere(film.id, new Date())
  const still = element('canvas', { width: 960, height: 540, ariaHidden: 'true' })
  const pen = still.getContext('2d')
  if (pen) drawFilm(pen, still.width, still.height, film.id, hour)
  const clock = element(
    'span',
    { className: 'clock' },
    writeHour(hour),
    element('span', { className: 'unseen' }, ` ${say('there')}`),
  )
  const link = element('a', { href: `#/watch/${encodeURIComponent(film.id)}` }, titleIn(film, language))
  const viewers = element('span', { className: 'viewers' })
  live.onViews(views => {
    const count = views?.[film.id] ?? 0
    viewers.textContent = count > 0 ? say('watching').replace('{n}', `${count}`) : ''
  }, leaving)
  return element('li', {}, element('div', { className: 'still' }, still, clock, viewers), element('h3', {}, link))
}

/** @param {import('./app.js').Scope} scope */
function uploadInvitation({ say, account, language, again, fail }) {
  const button = element('button', { id: 'sign-in-window', className: 'quiet', type: 'button' }, say('signInByWindow'))
  button.addEventListener('click', () => account.signInByWindow(language).then(again).catch(fail))
  return element('div', { className: 'invitation' }, element('p', {}, say('addSignedOut')), button)
}

/** @param {import('./app.js').Scope} scope @param {HTMLUListElement} list */
function uploadForm(scope, list) {
  const { say, account, catalogue, ended } = scope
  const title = element('input', {
    id: 'upload-title',
    name: 'title',
    required: true,
    maxLength: 80,
    autocomplete: 'off',
    placeholder: say('addHint'),
  })
  const button = element('button', { id: 'upload', className: 'primary' }, say('upload'))
  const outcome = element('p', { id: 'upload-outcome', className: 'outcome', role: 'status' })
  const label = element('label', { htmlFor: title.id }, say('addFilm'))
  const form = element(
    'form',
    { className: 'upload' },
    label,
    element('div', { className: 'line' }, title, button),
    outcome,
  )

  form.addEventListener('submit', async event => {
    event.preventDefault()
    button.disabled = true
    outcome.textContent = ''
    try {
      await catalogue.upload(await account.token(), title.value)
      form.reset()
      await fillList(list, scope)
      outcome.textContent = say('uploaded')
    } catch (error) {
      outcome.textContent = say(reasonOf(error))
      if (isRefused(error) || account.isOver(error)) await ended()
    } finally {
      button.disabled = false
    }
  })
  return form
}

/** @param {unknown} error @returns {import('./words.js').Word} */
function reasonOf(error) {
  // What is not from the API is from the SDK: there is no token to be had any more.
  if (!(error instanceof ApiError)) return error instanceof TypeError ? 'unavailable' : 'signInAgain'
  if (error.status === 400) return 'invalidTitle'
  if (error.status === 401) return 'signInAgain'
  return error.status === 403 ? 'noScope' : 'unavailable'
}
