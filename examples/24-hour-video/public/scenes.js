/** What stands under the sky: five kinds of place. Each draws with the stage it is given and nothing else. */
import { mix, paint } from './colour.js'

/** @typedef {import('./colour.js').Colour} Colour */
/**
 * What a scene has to draw with.
 * @typedef {object} Stage
 * @property {CanvasRenderingContext2D} pen
 * @property {number} width
 * @property {number} height
 * @property {number} horizon
 * @property {number} hour 0 to 24
 * @property {number} night 0 by day, 1 by night
 * @property {Colour} haze the sky where it meets the ground
 * @property {Colour} zenith
 * @property {{ x: number, y: number, colour: Colour, isSun: boolean, strength: number }} light sun or moon
 * @property {() => number} random the film's own dice, from the start at every frame
 */
/** @typedef {{ horizon: number, draw: (stage: Stage) => void }} Scene `horizon` is a share of the height */

/** @type {Colour} */
const DARK = [9, 14, 20]
/** @type {Colour} */
const LAMP = [255, 206, 128]

/** @type {Readonly<Record<string, Scene>>} */
export const SCENES = {
  sea: { horizon: 0.62, draw: drawSea },
  peaks: { horizon: 0.8, draw: drawPeaks },
  city: { horizon: 0.86, draw: drawCity },
  dunes: { horizon: 0.72, draw: drawDunes },
  forest: { horizon: 0.78, draw: drawForest },
}

/** How a thing looks from afar: the further, the more of the air's colour. @param {Stage} stage @param {Colour} own @param {number} distance 0 to 1 */
const fromAfar = ({ haze, night }, own, distance) => mix(mix(own, DARK, 0.78 * night), haze, distance)

/**
 * A line across the stage, filled to the bottom.
 * @param {Stage} stage @param {string | CanvasGradient} fill @param {(share: number) => number} heightAt
 */
function fillBelow({ pen, width, height }, fill, heightAt) {
  const steps = 160
  pen.fillStyle = fill
  pen.beginPath()
  pen.moveTo(0, height)
  for (let step = 0; step <= steps; step++) pen.lineTo((step / steps) * width, heightAt(step / steps))
  pen.lineTo(width, height)
  pen.fill()
}

/** Smooth hills: a few waves of chance length. @param {() => number} random @param {number} roughness */
function wave(random, roughness) {
  const parts = [1, 2, 4, 8, 16].map(times => ({
    length: times * (1.2 + random()),
    offset: random() * 7,
    size: times ** -roughness,
  }))
  const whole = parts.reduce((sum, { size }) => sum + size, 0)
  return (/** @type {number} */ share) =>
    parts.reduce((sum, { length, offset, size }) => sum + Math.sin(share * length * 3 + offset) * size, 0) / whole
}

/** @param {Stage} stage */
function drawSea(stage) {
  const { pen, width, height, horizon, hour, night, haze, zenith, light, random } = stage
  const unit = width / 1000
  const water = pen.createLinearGradient(0, horizon, 0, height)
  water.addColorStop(0, paint(mix(haze, zenith, 0.35)))
  water.addColorStop(1, paint(mix(mix(zenith, [12, 52, 72], 0.45), DARK, 0.25 + night * 0.3)))
  pen.fillStyle = water
  pen.fillRect(0, horizon, width, height - horizon)

  for (let row = 0; row < 44; row++) {
    const depth = (row / 44) ** 1.6
    const y = horizon + depth * (height - horizon)
    const spread = width * (0.02 + depth * 0.13)
    const shimmer = Math.sin(hour * 40 + row * 2.4) * spread * 0.35
    pen.fillStyle = paint(light.colour, (light.isSun ? 0.42 : 0.2) * (1 - depth * 0.75) * light.strength)
    const length = spread * (0.5 + random())
    pen.fillRect(
      light.x + shimmer - length / 2 + (random() - 0.5) * spread,
      y,
      length,
      Math.max(1, unit * (0.8 + depth * 3)),
    )
    pen.fillStyle = paint(mix(haze, [255, 255, 255], 0.4 * (1 - night)), 0.1)
    const stray = random() * width
    pen.fillRect(
      (stray + hour * unit * 9 * (1 + depth * 3)) % width,
      y,
      unit * (14 + depth * 60),
      Math.max(1, unit * (0.5 + depth * 1.6)),
    )
  }

  const hill = wave(random, 1.2)
  const isLeft = random() < 0.5
  const rock = fromAfar(stage, [52, 66, 66], 0.16)
  fillShore(stage, paint(rock), isLeft, hill)
  drawLighthouse(stage, isLeft ? width * 0.15 : width * 0.85, horizon - height * 0.082, isLeft ? 1 : -1)
  const way = ((hour / 24 + random()) % 1) * 1.2 - 0.1
  drawBoat(stage, isLeft ? width * way : width * (1 - way), horizon + height * 0.07)
}

/** @param {Stage} stage @param {string} fill @param {boolean} isLeft @param {(share: number) => number} hill */
function fillShore({ pen, width, height, horizon }, fill, isLeft, hill) {
  const reach = width * 0.36
  pen.fillStyle = fill
  pen.beginPath()
  for (let step = 0; step <= 60; step++) {
    const share = step / 60
    const y = horizon + height * 0.012 - height * 0.1 * (1 - share) ** 0.6 * (1 + hill(share) * 0.35)
    pen.lineTo(isLeft ? reach * share : width - reach * share, y)
  }
  pen.lineTo(isLeft ? 0 : width, horizon + height * 0.05)
  pen.fill()
}

/** @param {Stage} stage @param {number} x @param {number} foot @param {1 | -1} seaward */
function drawLighthouse(stage, x, foot, seaward) {
  const { pen, width, height, hour, night } = stage
  const tall = height * 0.2
  const wide = height * 0.026
  const top = foot - tall
  if (night > 0.05) {
    const angle = Math.sin(hour * 9) * 0.5
    const far = width * 0.9
    const beam = pen.createRadialGradient(x, top, 0, x, top, far)
    beam.addColorStop(0, paint(LAMP, 0.6 * night))
    beam.addColorStop(1, paint(LAMP, 0))
    pen.fillStyle = beam
    pen.beginPath()
    pen.moveTo(x, top)
    pen.lineTo(x + seaward * far, top + Math.sin(angle - 0.06) * far * 0.5)
    pen.lineTo(x + seaward * far, top + Math.sin(angle + 0.06) * far * 0.5)
    pen.fill()
  }
  pen.fillStyle = paint(fromAfar(stage, [236, 230, 216], 0.08))
  pen.beginPath()
  pen.moveTo(x - wide, foot + height * 0.03)
  pen.lineTo(x - wide * 0.6, top)
  pen.lineTo(x + wide * 0.6, top)
  pen.lineTo(x + wide, foot + height * 0.03)
  pen.fill()
  pen.fillStyle = paint(fromAfar(stage, [168, 58, 50], 0.08))
  pen.fillRect(x - wide * 0.82, foot - tall * 0.42, wide * 1.64, tall * 0.2)
  pen.fillRect(x - wide * 0.7, top - wide * 1.2, wide * 1.4, wide * 0.36)
  pen.fillStyle = paint(mix(fromAfar(stage, [70, 84, 90], 0.1), LAMP, night))
  pen.fillRect(x - wide * 0.5, top - wide * 0.86, wide, wide * 0.9)
}

/** @param {Stage} stage @param {number} x @param {number} y */
function drawBoat(stage, x, y) {
  const { pen, height, hour } = stage
  const size = height * 0.036
  const heave = Math.sin(hour * 30) * size * 0.07
  pen.fillStyle = paint(fromAfar(stage, [44, 40, 44], 0.1))
  pen.beginPath()
  pen.moveTo(x - size, y + heave)
  pen.quadraticCurveTo(x, y + size * 0.75 + heave, x + size, y + heave)
  pen.fill()
  pen.fillStyle = paint(fromAfar(stage, [244, 238, 226], 0.12))
  pen.beginPath()
  pen.moveTo(x, y - size * 0.15 + heave)
  pen.lineTo(x, y - size * 2.3 + heave)
  pen.quadraticCurveTo(x + size * 0.95, y - size + heave, x + size * 0.9, y - size * 0.15 + heave)
  pen.fill()
}

/** @param {Stage} stage */
function drawPeaks(stage) {
  const { pen, width, height, horizon, random, light } = stage
  for (let range = 0; range < 4; range++) {
    const distance = 0.72 - range * 0.21
    const base = horizon - height * (0.2 - range * 0.085)
    const tall = height * (0.3 - range * 0.04)
    const ridge = jagged(random, 1 + range)
    /** @param {number} share */
    const line = share => base - ridge(share) * tall
    const stone = fromAfar(stage, mix([84, 96, 112], [34, 48, 52], range / 3), distance)
    fillBelow(stage, paint(stone), line)
    if (range > 1) continue
    const snow = fromAfar(stage, mix([246, 248, 252], light.colour, 0.25), distance * 0.6)
    const snowline = base - tall * 0.5
    pen.fillStyle = paint(snow, 0.92)
    pen.beginPath()
    for (let step = 0; step <= 240; step++) pen.lineTo((step / 240) * width, line(step / 240))
    for (let step = 240; step >= 0; step--) {
      const share = step / 240
      const melt = Math.sin(share * 190 + range) * 0.05 + Math.sin(share * 71) * 0.06
      pen.lineTo(share * width, Math.max(line(share), Math.min(snowline, line(share) + tall * (0.17 + melt))))
    }
    pen.fill()
  }
}

/** Ridges: straight flanks between chance heights, with smaller ones upon them. @param {() => number} random @param {number} density */
function jagged(random, density) {
  const layers = [1, 3, 9].map(times => {
    const count = Math.round((4 + density) * times)
    return { size: 1 / times, count, heights: Array.from({ length: count + 2 }, random) }
  })
  return (/** @type {number} */ share) =>
    layers.reduce((sum, { size, count, heights }) => {
      const at = share * count
      const left = heights[Math.floor(at)] ?? 0
      const right = heights[Math.floor(at) + 1] ?? 0
      return sum + (left + (right - left) * (at % 1)) * size
    }, 0) / 1.44
}

/** @param {Stage} stage */
function drawCity(stage) {
  const { pen, width, height, horizon, random, hour } = stage
  const unit = height / 100
  for (let row = 0; row < 3; row++) {
    const distance = 0.58 - row * 0.24
    const body = fromAfar(stage, mix([92, 98, 112], [44, 46, 58], row / 2), distance)
    for (let x = -random() * unit * 8; x < width; ) {
      const wide = unit * (7 + random() * 9) * (0.8 + row * 0.25)
      const tall = height * (0.2 + random() ** 2 * 0.42) * (1 - row * 0.18)
      const roof = horizon + row * unit * 4 - tall
      pen.fillStyle = paint(body)
      pen.fillRect(x, roof, wide + 1, height - roof)
      if (random() < 0.22) pen.fillRect(x + wide * 0.48, roof - unit * 6, Math.max(1, unit * 0.5), unit * 6)
      drawWindows(stage, { x, roof, wide, size: unit * (1 + row * 0.35), distance })
      x += wide + (random() < 0.3 ? unit * 2 * random() : 0)
    }
  }
  const street = horizon + unit * 9
  pen.fillStyle = paint(fromAfar(stage, [34, 36, 46], 0.04))
  pen.fillRect(0, street, width, height - street)
  // The tram runs every hour, and at night too: somebody has to film it.
  const tram = (hour % 1) * (width + unit * 60) - unit * 45
  pen.fillStyle = paint(fromAfar(stage, [178, 62, 52], 0.05))
  pen.fillRect(tram, street - unit * 4.6, unit * 34, unit * 4.6)
  pen.fillStyle = paint(mix([214, 226, 230], LAMP, stage.night))
  for (let pane = 0; pane < 8; pane++)
    pen.fillRect(tram + unit * (1.4 + pane * 4.1), street - unit * 3.8, unit * 2.8, unit * 1.7)
}

/**
 * Each window has its own evening. It throws the dice as often lit as dark, or the houses after it would move.
 * @param {Stage} stage @param {{ x: number, roof: number, wide: number, size: number, distance: number }} house
 */
function drawWindows({ pen, horizon, random, night, hour }, { x, roof, wide, size, distance }) {
  const evening = hour < 12 ? hour + 24 : hour
  const lit = paint(LAMP, (0.35 + night * 0.6) * (1 - distance * 0.7))
  const dark = paint(DARK, 0.14 * (1 - distance))
  for (let y = roof + size * 1.6; y < horizon + size * 3; y += size * 2.3)
    for (let at = x + size; at < x + wide - size; at += size * 1.9) {
      const [arrival, departure, kind] = [17.5 + random() * 3.5, 21.5 + random() * 5, random()]
      const isLit = kind < 0.7 && evening > arrival && evening < (kind < 0.08 ? 30 : departure)
      pen.fillStyle = isLit ? lit : dark
      pen.fillRect(at, y, size, size * 1.2)
    }
}

/** @param {Stage} stage */
function drawDunes(stage) {
  const { pen, width, height, horizon, hour, random, light } = stage
  for (let dune = 0; dune < 5; dune++) {
    const distance = 0.62 * (1 - dune / 4)
    const crest = wave(random, 1.7)
    const crawl = (hour / 24) * 0.012 * dune
    const base = horizon + (dune / 5) ** 1.3 * (height - horizon) * 1.05 - height * 0.03
    const swell = height * (0.05 + dune * 0.022)
    /** @param {number} share */
    const line = share => base - Math.abs(crest(share * (1.3 - dune * 0.16) + crawl)) * swell * 1.6
    const sand = fromAfar(stage, mix([226, 178, 122], [188, 126, 82], dune / 4), distance)
    const slope = pen.createLinearGradient(0, base - swell * 1.4, 0, base + height * 0.2)
    slope.addColorStop(0, paint(mix(sand, light.colour, light.isSun ? 0.3 * light.strength : 0.1)))
    slope.addColorStop(0.45, paint(sand))
    slope.addColorStop(1, paint(mix(sand, DARK, 0.34)))
    fillBelow(stage, slope, line)
    shadeLee(stage, line, light.x / width, paint(mix(sand, [60, 34, 52], 0.5), 0.42 * light.strength))
  }
}

/**
 * The side away from the light: the steeper it falls and the further to the side the light is, the deeper the shade.
 * @param {Stage} stage @param {(share: number) => number} line @param {number} from @param {string} fill
 */
function shadeLee({ pen, width, height }, line, from, fill) {
  const steps = 200
  /** @param {number} share */
  const depthAt = share => {
    const falls = (line(share + 0.004) - line(share - 0.004)) / (height * 0.008)
    return height * 0.1 * Math.tanh(Math.max(0, falls * Math.tanh((share - from) * 3)) * 2)
  }
  pen.fillStyle = fill
  pen.beginPath()
  for (let step = 0; step <= steps; step++) pen.lineTo((step / steps) * width, line(step / steps))
  for (let step = steps; step >= 0; step--)
    pen.lineTo((step / steps) * width, line(step / steps) + depthAt(step / steps))
  pen.fill()
}

/** @param {Stage} stage */
function drawForest(stage) {
  const { pen, width, height, horizon, hour, random, haze } = stage
  for (let row = 0; row < 5; row++) {
    const distance = 0.74 - row * 0.17
    const hill = wave(random, 1.1)
    const base = horizon - height * (0.17 - row * 0.075)
    const green = fromAfar(stage, mix([62, 104, 88], [18, 48, 40], row / 4), distance)
    /** @param {number} share */
    const line = share => base - hill(share) * height * 0.07
    fillBelow(stage, paint(green), line)
    const tall = height * (0.04 + row * 0.026)
    pen.fillStyle = paint(green)
    for (let x = 0; x < width; x += tall * (0.12 + random() * 0.3))
      drawFir(pen, x, line(x / width), tall * (0.6 + random() * 0.7))
    // Mist lies in the valleys until the sun has had its breakfast.
    const mist = Math.max(0, 1 - Math.abs(hour - 6.8) / 3.2) * 0.5 + 0.05
    const veil = pen.createLinearGradient(0, base - height * 0.05, 0, base + height * 0.13)
    veil.addColorStop(0, paint(haze, 0))
    veil.addColorStop(0.7, paint(haze, mist))
    veil.addColorStop(1, paint(haze, 0))
    if (row < 4) {
      pen.fillStyle = veil
      pen.fillRect(0, base - height * 0.05, width, height * 0.18)
    }
  }
}

/** @param {CanvasRenderingContext2D} pen @param {number} x @param {number} foot @param {number} tall */
function drawFir(pen, x, foot, tall) {
  pen.beginPath()
  pen.moveTo(x, foot - tall)
  for (const [side, down] of [
    [0.1, 0.35],
    [0.06, 0.35],
    [0.16, 0.65],
    [0.1, 0.65],
    [0.22, 1.08],
  ])
    pen.lineTo(x + tall * (side ?? 0), foot - tall + tall * (down ?? 0))
  for (const [side, down] of [
    [0.22, 1.08],
    [0.1, 0.65],
    [0.16, 0.65],
    [0.06, 0.35],
    [0.1, 0.35],
  ])
    pen.lineTo(x - tall * (side ?? 0), foot - tall + tall * (down ?? 0))
  pen.fill()
}
