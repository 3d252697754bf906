/** Documents that are sound but for one place. */

/** Every place in the file that holds something. */
export const places = (value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] => [
  ...(path.length > 0 ? [path] : []),
  ...(typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([name, inner]) =>
        places(inner, [...path, Array.isArray(value) ? Number(name) : name]),
      )
    : []),
]

/** The document with another value there. */
export function withValueAt(document: unknown, [name, ...rest]: readonly (string | number)[], value: unknown): unknown {
  if (name === undefined) return value
  if (Array.isArray(document)) return document.with(Number(name), withValueAt(document[Number(name)], rest, value))
  const object = document as Record<string, unknown>
  return { ...object, [name]: withValueAt(object[name], rest, value) }
}
