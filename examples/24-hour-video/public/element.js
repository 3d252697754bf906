/** Elements, made without markup: what people wrote can only ever become text. */

/**
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Partial<Omit<HTMLElementTagNameMap[Name], 'style' | 'dataset'>>} [properties] as the DOM names them
 * @param {...(Node | string | undefined)} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties)
  made.append(...children.filter(child => child !== undefined))
  return made
}

/**
 * A moment as people write it, readable by machines as well.
 * @param {number} seconds since 1970
 * @param {string} language
 * @param {string} id
 */
export function moment(seconds, language, id) {
  const date = new Date(seconds * 1000)
  const text = date.toLocaleTimeString(language, { hour: 'numeric', minute: '2-digit', second: '2-digit' })
  return element('time', { id, dateTime: date.toISOString() }, text)
}
