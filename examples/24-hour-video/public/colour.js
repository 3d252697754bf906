/** Colours as three numbers from 0 to 255, so that one can be on its way to another. */

/** @typedef {readonly [red: number, green: number, blue: number]} Colour */

/** @param {Colour} one @param {Colour} other @param {number} share of the other, 0 to 1 @returns {Colour} */
export const mix = (one, other, share) => [
  one[0] + (other[0] - one[0]) * share,
  one[1] + (other[1] - one[1]) * share,
  one[2] + (other[2] - one[2]) * share,
]

/** @param {Colour} colour @param {number} [alpha] */
export const paint = ([red, green, blue], alpha = 1) => `rgb(${red | 0} ${green | 0} ${blue | 0} / ${alpha})`
