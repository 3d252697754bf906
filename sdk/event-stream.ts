/**
 * Server-sent events, read as they come: pieces of bytes in, events out. Of the format (HTML §9.2) it is what our own
 * stream uses, and an event has a bound.
 */

export interface StreamEvent {
  readonly name: string
  readonly data: string
  /** Of this event; undefined where it has none. */
  readonly id: string | undefined
}

/** In characters. */
const LONGEST_EVENT = 1024 * 1024

export interface EventReader {
  /**
   * The events that end within these bytes. Comments are passed over.
   * @throws Error for an event that does not end.
   */
  read(bytes: Uint8Array): Generator<StreamEvent>
}

export function createEventReader(longest = LONGEST_EVENT): EventReader {
  const utf8 = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  let name = 'message'
  let data: string[] = []
  let size = 0
  let id: string | undefined

  function takeLine(line: string): void {
    const colon = line.indexOf(':')
    if (colon === 0) return
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'event') name = value
    else if (field === 'id') id = value
    else if (field === 'data') {
      data.push(value)
      size += value.length
    }
  }

  return {
    *read(bytes) {
      const text = rest + utf8.decode(bytes, { stream: true })
      let from = 0
      for (;;) {
        const end = text.indexOf('\n', from)
        if (end < 0) break
        const line = text.slice(from, text[end - 1] === '\r' && end > from ? end - 1 : end)
        from = end + 1
        if (line !== '') takeLine(line)
        else {
          const event = { name, data: data.join('\n'), id }
          const isEvent = data.length > 0
          name = 'message'
          data = []
          size = 0
          id = undefined
          if (isEvent) yield event
        }
      }
      rest = text.slice(from)
      if (rest.length + size > longest) throw new Error(`an event is longer than ${longest} characters`)
    },
  }
}
