/** How the suite measures that something cannot be guessed: on the characters, whatever they were made of. */

const SHORTEST = 16
const LEAST_BITS = 96

export const isLong = (text: string): boolean => text.length >= SHORTEST
export const isDisordered = (text: string): boolean => shannonBits(text) * text.length > LEAST_BITS
export const isUnguessable = (text: string): boolean => isLong(text) && isDisordered(text)

/** Shannon's entropy of one character of the text, by how often each occurs in it. */
function shannonBits(text: string): number {
  const shares = [...Map.groupBy(text, character => character).values()].map(same => same.length / text.length)
  return shares.reduce((bits, share) => bits - share * Math.log2(share), 0)
}
