/** The page of one film: it plays from the hour it is there, a day in a minute, and can be turned like a clock. */
import { titleIn } from './catalogue.js'
import { element } from './element.js'
import { drawFilm, HOURS_PER_SECOND, hourThere, writeHour } from './film.js'

/** @param {import('./app.js').Scope} scope @param {string} id @returns {Promise<HTMLElement>} */
export async function watchPage({ catalogue, live, say, language, leaving }, id) {
  const back = element('a', { href: '#/', className: 'back' }, `← ${say('back')}`)
  const film = (await catalogue.list()).find(candidate => candidate.id === id)
  if (!film) return element('div', {}, back, element('p', { className: 'lead' }, say('notFound')))

  const title = titleIn(film, language)
  const screen = element('canvas', { id: 'film', width: 1600, height: 900, role: 'img', ariaLabel: title })
  const play = element('button', { id: 'play', className: 'quiet', type: 'button' })
  const dial = element('input', { id: 'hour', type: 'range', min: '0', max: '24', step: 'any', ariaLabel: say('hour') })
  const clock = element('output', { id: 'clock' })
  const pen = screen.getContext('2d')

  let hour = hourThere(id, new Date())
  let isPlaying = !matchMedia('(prefers-reduced-motion: reduce)').matches
  let shownAt = performance.now()

  function show() {
    if (pen) drawFilm(pen, screen.width, screen.height, id, hour)
    dial.value = String(hour)
    dial.ariaValueText = writeHour(hour)
    dial.style.setProperty('--share', `${(hour / 24) * 100}%`)
    clock.value = writeHour(hour)
    play.textContent = say(isPlaying ? 'pause' : 'play')
  }

  /** @param {number} now */
  function advance(now) {
    if (leaving.aborted) return
    if (isPlaying) {
      hour = (hour + ((now - shownAt) / 1000) * HOURS_PER_SECOND) % 24
      show()
    }
    shownAt = now
    requestAnimationFrame(advance)
  }

  play.addEventListener('click', () => {
    isPlaying = !isPlaying
    show()
  })
  dial.addEventListener('input', () => {
    hour = Number(dial.value) % 24
    isPlaying = false
    show()
  })
  show()
  requestAnimationFrame(advance)

  live.watch(id)
  leaving.addEventListener('abort', () => live.watch(undefined))
  const viewers = element('p', { id: 'viewers', className: 'lead', role: 'status' })
  live.onViews(views => {
    viewers.textContent = views ? say('watching').replace('{n}', `${views[id] ?? 0}`) : ''
  }, leaving)

  const controls = element('div', { className: 'controls' }, play, dial, clock)
  return element(
    'article',
    { className: 'watch' },
    back,
    element('div', { className: 'screen' }, screen),
    controls,
    element('h1', {}, title),
    viewers,
  )
}
