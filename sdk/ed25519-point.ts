/**
 * Whether 32 bytes are a public key of Ed25519 that vouches for anything (RFC 8032 §5.1.3). Importing takes any bytes:
 * other spellings of a point, bytes that are no point, and the eight points of small order, under which a signature that
 * everybody can write holds for every eighth text, or for all.
 */

const FIELD = 2n ** 255n - 19n
const SIGN = 2n ** 255n

const modulo = (value: bigint): bigint => ((value % FIELD) + FIELD) % FIELD

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  let square = modulo(base)
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % FIELD
    square = (square * square) % FIELD
  }
  return result
}

const inverse = (value: bigint): bigint => power(value, FIELD - 2n)
/** The curve's d. */
const D = modulo(-121665n * inverse(121666n))

export function isSoundPoint(bytes: Uint8Array): boolean {
  if (bytes.length !== 32) return false
  const number = BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
  const y = number % SIGN
  if (y >= FIELD) return false
  // −x² + y² = 1 + d·x²·y²
  const square = modulo((y * y - 1n) * inverse(D * y * y + 1n))
  if (square !== 0n && power(square, (FIELD - 1n) / 2n) !== 1n) return false
  return !isOfSmallOrder(square, y)
}

interface Point {
  readonly xSquare: bigint
  readonly y: bigint
}

/** RFC 8032 §5.1.4's addition, of a point and itself. Its denominators are never zero: d is no square. */
function doubled({ xSquare, y }: Point): Point {
  const ySquare = modulo(y * y)
  const product = modulo(D * xSquare * ySquare)
  return {
    xSquare: modulo(4n * xSquare * ySquare * inverse((1n + product) ** 2n)),
    y: modulo((ySquare + xSquare) * inverse(1n - product)),
  }
}

/** Three times doubled it is the neutral point. Its x is known but for its sign, which no square depends on. */
function isOfSmallOrder(xSquare: bigint, y: bigint): boolean {
  let point = { xSquare, y }
  for (let doubling = 0; doubling < 3; doubling++) point = doubled(point)
  return point.xSquare === 0n && point.y === 1n
}
