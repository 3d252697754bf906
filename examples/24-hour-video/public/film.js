/**
 * A film: one day, drawn. The sky, the lights in it and the hour are here; what stands under the sky is scenes.js.
 * The same id gives the same day, on every screen.
 */
import { mix, paint } from './colour.js'
import { SCENES } from './scenes.js'

/** @typedef {import('./colour.js').Colour} Colour */
/** @typedef {import('./scenes.js').Stage} Stage */

/** A film that plays lasts a minute. */
export const HOURS_PER_SECOND = 24 / 60

/**
 * Hour, colour overhead, half way, at the horizon.
 * @type {readonly (readonly [hour: number, zenith: Colour, middle: Colour, haze: Colour])[]}
 */
const SKIES = [
  [0, [7, 11, 28], [14, 22, 46], [26, 36, 62]],
  [4.2, [10, 16, 40], [27, 36, 70], [58, 62, 96]],
  [5.6, [38, 56, 104], [122, 108, 146], [236, 158, 128]],
  [6.6, [74, 118, 176], [176, 184, 200], [255, 206, 150]],
  [8.5, [72, 140, 204], [146, 192, 222], [222, 232, 226]],
  [13, [58, 130, 202], [128, 182, 222], [206, 226, 232]],
  [16.8, [78, 132, 188], [172, 188, 204], [246, 218, 178]],
  [18.4, [58, 70, 124], [186, 112, 124], [255, 150, 92]],
  [19.4, [32, 38, 86], [96, 72, 118], [198, 106, 108]],
  [20.8, [12, 18, 46], [26, 32, 66], [54, 56, 90]],
  [24, [7, 11, 28], [14, 22, 46], [26, 36, 62]],
]

/** @type {Colour} */
const SUN = [255, 236, 196]
/** @type {Colour} */
const LOW_SUN = [255, 150, 84]
/** @type {Colour} */
const MOON = [226, 232, 246]

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number} width in the units of the pen
 * @param {number} height
 * @param {string} id
 * @param {number} hour 0 to 24
 */
export function drawFilm(pen, width, height, id, hour) {
  const [zenith, middle, haze] = skyAt(hour)
  const name = id.split('-', 1)[0] ?? ''
  const scene = SCENES[name] ?? /** @type {import('./scenes.js').Scene} */ (SCENES['sea'])
  const horizon = height * scene.horizon
  const night = smooth(hour < 12 ? (6.2 - hour) / 2 : (hour - 18.4) / 2)
  const light = lightAt(hour, width, horizon)

  drawSky(pen, width, horizon, [zenith, middle, haze])
  if (night > 0) drawStars(pen, width, horizon, dice(`${id} stars`), night, hour)
  drawLight(pen, light, height)
  drawClouds(pen, width, horizon, dice(`${id} clouds`), mix(haze, light.colour, 0.35), hour, night)
  scene.draw({ pen, width, height, horizon, hour, night, haze, zenith, light, random: dice(id) })
}

/** The hour at the place of a film: each lies on a meridian of its own. @param {string} id @param {Date} now */
export function hourThere(id, now) {
  const here = now.getUTCHours() + now.getUTCMinutes() / 60 + now.getUTCSeconds() / 3600
  return (here + Math.floor(dice(`${id} meridian`)() * 48) / 2) % 24
}

/** @param {number} hour @returns {string} `06:20` */
export function writeHour(hour) {
  const minutes = Math.floor(hour * 60) % (24 * 60)
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`
}

/** Numbers from 0 to 1 that follow from a text (FNV-1a, then mulberry32). @param {string} text @returns {() => number} */
export function dice(text) {
  let state = 0x811c9dc5
  for (const character of text) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 0x01000193)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** @param {number} value */
const clamp = value => Math.min(Math.max(value, 0), 1)
/** @param {number} value */
const smooth = value => clamp(value) ** 2 * (3 - 2 * clamp(value))

/** @param {number} hour @returns {[Colour, Colour, Colour]} */
function skyAt(hour) {
  const next = Math.max(
    1,
    SKIES.findIndex(([from]) => from >= hour),
  )
  const [from, ...before] = /** @type {typeof SKIES[number]} */ (SKIES[next - 1])
  const [to, ...after] = /** @type {typeof SKIES[number]} */ (SKIES[next])
  const share = smooth((hour - from) / (to - from))
  return [mix(before[0], after[0], share), mix(before[1], after[1], share), mix(before[2], after[2], share)]
}

/**
 * The sun from six to a quarter to seven in the evening, the moon from then on: one of them is always up, or nearly.
 * @param {number} hour @param {number} width @param {number} horizon
 */
function lightAt(hour, width, horizon) {
  const isSun = hour > 5.5 && hour < 18.9
  const way = isSun ? (hour - 5.5) / 13.4 : ((hour + 24 - 18.9) % 24) / 10.6
  const rise = Math.sin(way * Math.PI)
  return {
    x: width * (0.08 + 0.84 * way),
    y: horizon + horizon * 0.08 - horizon * (isSun ? 0.86 : 0.72) * rise,
    colour: isSun ? mix(LOW_SUN, SUN, clamp(rise * 1.7)) : MOON,
    isSun,
    strength: clamp(rise * 4),
  }
}

/** @param {CanvasRenderingContext2D} pen @param {number} width @param {number} horizon @param {[Colour, Colour, Colour]} colours */
function drawSky(pen, width, horizon, [zenith, middle, haze]) {
  const sky = pen.createLinearGradient(0, 0, 0, horizon)
  sky.addColorStop(0, paint(zenith))
  sky.addColorStop(0.55, paint(middle))
  sky.addColorStop(1, paint(haze))
  pen.fillStyle = sky
  pen.fillRect(0, 0, width, horizon + 1)
}

/**
 * @param {CanvasRenderingContext2D} pen @param {number} width @param {number} horizon @param {() => number} random
 * @param {number} night @param {number} hour
 */
function drawStars(pen, width, horizon, random, night, hour) {
  const unit = width / 1000
  const turn = (hour / 24) * width * 0.5
  for (let star = 0; star < 170; star++) {
    const x = (random() * width + turn) % width
    const y = random() ** 1.4 * horizon
    const twinkle = 0.65 + 0.35 * Math.sin(hour * 60 + star)
    pen.fillStyle = paint(MOON, night * twinkle * (0.25 + random() * 0.75) * (1 - y / horizon / 1.2))
    pen.beginPath()
    pen.arc(x, y, unit * (0.55 + random() ** 3 * 1.5), 0, 7)
    pen.fill()
  }
}

/** @param {CanvasRenderingContext2D} pen @param {Stage['light']} light @param {number} height */
function drawLight(pen, { x, y, colour, isSun, strength }, height) {
  const radius = height * (isSun ? 0.045 : 0.032)
  const glow = pen.createRadialGradient(x, y, radius * 0.6, x, y, height * (isSun ? 0.75 : 0.34))
  glow.addColorStop(0, paint(colour, isSun ? 0.75 : 0.34))
  glow.addColorStop(0.25, paint(colour, isSun ? 0.26 : 0.1))
  glow.addColorStop(1, paint(colour, 0))
  pen.fillStyle = glow
  pen.fillRect(x - height, y - height, height * 2, height * 2)
  pen.fillStyle = paint(colour, isSun ? 1 : 0.4 + strength * 0.6)
  pen.beginPath()
  pen.arc(x, y, radius, 0, 7)
  pen.fill()
}

/**
 * @param {CanvasRenderingContext2D} pen @param {number} width @param {number} horizon @param {() => number} random
 * @param {Colour} colour @param {number} hour @param {number} night
 */
function drawClouds(pen, width, horizon, random, colour, hour, night) {
  const clouds = 2 + Math.floor(random() * 4)
  for (let cloud = 0; cloud < clouds; cloud++) {
    const length = width * (0.22 + random() * 0.34)
    const drift = (random() * 1.6 + (hour / 24) * (0.5 + random())) % 1.6
    const x = (drift - 0.3) * width
    const y = horizon * (0.2 + random() * 0.55)
    const thickness = horizon * (0.012 + random() * 0.03)
    for (let band = 0; band < 4; band++) {
      const reach = length * (1 - band * 0.2) * (0.85 + random() * 0.3)
      pen.fillStyle = paint(colour, (0.2 - night * 0.14) * (0.6 + random() * 0.4))
      pen.beginPath()
      pen.ellipse(x + (random() - 0.5) * length * 0.4, y + band * thickness * 0.8, reach / 2, thickness, 0, 0, 7)
      pen.fill()
    }
  }
}
