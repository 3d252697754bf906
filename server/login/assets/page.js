/**
 * What a hosted page gains from JavaScript: a button that shows the password, forms that are not sent twice, and an
 * address that need not be typed again.
 * Every page does its work without this file.
 */

/** A load that was stopped fires no event; after this long, trying again is what the person wants. Milliseconds. */
const PATIENCE = 8000

for (const button of document.querySelectorAll('button.reveal')) {
  if (button instanceof HTMLButtonElement) offerToReveal(button)
}

for (const form of document.forms) sendOnce(form)

// A logo that does not come leaves no hole: the name stands beside it.
for (const logo of document.querySelectorAll('.brand img')) {
  if (logo instanceof HTMLImageElement && logo.complete && logo.naturalWidth === 0) logo.remove()
  else logo.addEventListener('error', () => logo.remove())
}

carryAddress()

/** @param {HTMLButtonElement} button */
function offerToReveal(button) {
  const field = document.getElementById(button.getAttribute('aria-controls') ?? '')
  if (!(field instanceof HTMLInputElement)) return

  /** @param {boolean} shown */
  const show = shown => {
    field.type = shown ? 'text' : 'password'
    button.textContent = (shown ? button.dataset.hide : button.dataset.show) ?? ''
    button.setAttribute('aria-label', (shown ? button.dataset.hideLabel : button.dataset.showLabel) ?? '')
  }

  button.hidden = false
  button.addEventListener('click', () => show(field.type === 'password'))
  // Browsers remember what stands in a text field, and a page may come back out of the history.
  field.form?.addEventListener('submit', () => show(false))
  addEventListener('pagehide', () => show(false))
}

/** @param {HTMLFormElement} form */
function sendOnce(form) {
  const buttons = form.querySelectorAll('button[type=submit]')
  let sent = false

  /** @param {boolean} now */
  const mark = now => {
    sent = now
    // Not `disabled`, which would take the focus away and leave a screen reader nowhere.
    for (const button of buttons) {
      if (now) button.setAttribute('aria-disabled', 'true')
      else button.removeAttribute('aria-disabled')
    }
  }

  form.addEventListener('submit', event => {
    if (sent) return event.preventDefault()
    mark(true)
    setTimeout(() => mark(false), PATIENCE)
  })
  // Out of the back-forward cache the page comes as it was left: with its form marked as sent.
  addEventListener('pageshow', event => event.persisted && mark(false))
}

/**
 * From the sign-in page to the one for a forgotten password. In the tab's own storage, and only on the way: an address
 * in a URL would be kept by whoever keeps URLs.
 */
function carryAddress() {
  const KEPT = 'latchkey.address'
  const typed = document.getElementById('username')
  const wanted = document.getElementById('email')
  document.querySelector('a.aside')?.addEventListener('click', () => {
    if (typed instanceof HTMLInputElement) sessionStorage.setItem(KEPT, typed.value)
  })
  const kept = sessionStorage.getItem(KEPT)
  if (kept === null) return
  sessionStorage.removeItem(KEPT)
  if (wanted instanceof HTMLInputElement && wanted.value === '') wanted.value = kept
}
