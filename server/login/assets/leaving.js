/**
 * Goes on as soon as the applications' frames have loaded, and a moment later for what their scripts still do; after the
 * seconds that the page gives them in any case, since one that never answers would hold the page for ever.
 */

/** Milliseconds. */
const MOMENT = 300

const next = document.getElementById('next')
if (next instanceof HTMLAnchorElement) {
  // Not in the history: nobody wants to come back to a page that leads away.
  const leave = () => location.replace(next.href)
  setTimeout(leave, Number(next.dataset.mostSeconds) * 1000)
  // A page has loaded when its frames have.
  if (document.readyState === 'complete') setTimeout(leave, MOMENT)
  else addEventListener('load', () => setTimeout(leave, MOMENT))
}
