/** An order that looks random and is the same on every machine, so that a failure can be had again by its seed. */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const result = [...items]
  let state = seed >>> 0
  for (let last = result.length - 1; last > 0; last--) {
    // Numerical Recipes' generator: its high bits are good enough to choose a place.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    const place = Math.floor((state / 2 ** 32) * (last + 1))
    ;[result[last], result[place]] = [result[place] as T, result[last] as T]
  }
  return result
}
