/**
 * A mail's markup as text, for whoever reads mail so: an operator writes one body, and every mail has two parts. Read from
 * the first sign to the last and never back, since nobody knows what was written.
 */

const BREAKS = /^\/?(?:p|div|tr|table|h[1-6]|ul|ol|li|br|hr|blockquote|section|header|footer)$/
/** What is not read out. */
const SILENT = ['head', 'style', 'script', 'title']

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
}

/** Each link's address follows its words, on a line of its own, which no program breaks. */
export function textOf(html: string): string {
  const lower = html.replace(/[A-Z]/g, sign => sign.toLowerCase())
  const parts: string[] = []
  let link: { readonly address: string; readonly from: number } | undefined
  let at = 0
  while (at < html.length) {
    const open = html.indexOf('<', at)
    if (open !== at) parts.push(wordsOf(html.slice(at, open === -1 ? undefined : open)))
    if (open === -1) break
    const isComment = html.startsWith('<!--', open)
    const close = isComment ? html.indexOf('-->', open + 4) : html.indexOf('>', open)
    if (close === -1) break
    at = close + (isComment ? 3 : 1)
    if (isComment) continue
    const [name = ''] = /^\/?[a-z0-9]*/.exec(lower.slice(open + 1, Math.min(close, open + 20))) ?? []
    if (SILENT.includes(name)) {
      const end = lower.indexOf(`</${name}`, at)
      if (end === -1) break
      at = end
    } else if (name === 'a') link = { address: hrefOf(html.slice(open, close)), from: parts.length }
    else if (name === '/a' && link) {
      const said = parts.splice(link.from).join('').trim()
      if (link.address === '' || said === link.address) parts.push(said)
      else parts.push(`${said === '' ? '' : `${said}:`}\n${link.address}\n`)
      link = undefined
    } else if (BREAKS.test(name)) parts.push('\n')
  }
  const lines = parts.join('').split('\n')
  return lines
    .map(line => line.replace(/ {2,}/g, ' ').trim())
    .filter((line, index, all) => line !== '' || (all[index - 1] ?? '') !== '')
    .join('\n')
    .trim()
}

const wordsOf = (markup: string): string => unescaped(markup.replace(/\s+/g, ' '))

const hrefOf = (tag: string): string => {
  const [, double, single] = /\shref=(?:"([^"]*)"|'([^']*)')/i.exec(tag) ?? []
  return unescaped(double ?? single ?? '').trim()
}

const unescaped = (text: string): string => text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]+));/gi, characterOf)

function characterOf(all: string, decimal = '', hexadecimal = '', name = ''): string {
  if (name !== '') return ENTITIES[name.toLowerCase()] ?? all
  const point = decimal === '' ? Number.parseInt(hexadecimal, 16) : Number(decimal)
  return point > 31 && point <= 0x10ffff ? String.fromCodePoint(point) : ' '
}
