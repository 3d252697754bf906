/**
 * What a hosted page gains from JavaScript: a button that shows the password, and forms that are not sent twice.
 * Every page does its work without this file.
 */

/** A load that was stopped fires no event; after this long, trying again is what the person wants. Milliseconds. */
const PATIENCE = 8000

for (const button of document.querySelectorAll('button.reveal')) {
  if (button instanceof HTMLButtonElement) offerToReveal(button)
}

for (const form of document.forms) sendOnce(form)

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
