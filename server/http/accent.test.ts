import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { accentStyle, contrast, grounds, type Scheme, shadesOf } from './accent.ts'

const schemes: readonly Scheme[] = ['light', 'dark']

for (const [one, other, ratio] of [
  ['#000000', '#ffffff', 21],
  ['#ffffff', '#000000', 21],
  ['#777777', '#ffffff', 4.48],
  ['#767676', '#ffffff', 4.54],
  ['#0000ff', '#ffffff', 8.59],
  ['#ff0000', '#ffffff', 4],
  ['#1F5D4C', '#1f5d4c', 1],
] as const) {
  test(`the contrast of ${one} and ${other} is ${ratio}`, () => {
    assert.ok(Math.abs(contrast(one, other) - ratio) < 0.01, String(contrast(one, other)))
  })
}

test('whatever colour a tenant takes, text on it and text in it can be read', () => {
  const steps = ['00', '33', '66', '77', '99', 'cc', 'ff']
  for (const red of steps)
    for (const green of steps)
      for (const blue of steps)
        for (const scheme of schemes) {
          const shades = shadesOf(`#${red}${green}${blue}`, scheme)
          const { paper, card } = grounds[scheme]
          for (const [text, ground] of [
            [shades.onAccent, shades.accent],
            [shades.onAccent, shades.accentHover],
            [shades.accentText, paper],
            [shades.accentText, card],
          ] as const) {
            assert.ok(contrast(text, ground) >= 4.5, `${text} on ${ground}, from ${shades.accent} in ${scheme}`)
          }
        }
})

test('a button in the colour of the card has an edge', () => {
  assert.notEqual(shadesOf('#ffffff', 'light').accentEdge, '#ffffff')
  assert.equal(shadesOf('#ffd400', 'light').accentEdge, '#ffd400')
})

test('a colour that is not #rrggbb never reaches the style sheet', () => {
  for (const light of [
    '',
    'red',
    '#fff',
    '#12345g',
    '#1234567',
    '#123456}body{display:none',
    '#123456\n',
    '</style>',
  ]) {
    assert.equal(accentStyle({ light }), '', light)
  }
})

test('a colour given for one scheme leaves the other as it is', () => {
  const style = accentStyle({ dark: '#FFD400' })
  assert.match(style, /^@media \(prefers-color-scheme:dark\)\{:root\{--accent:#ffd400;/)
  assert.doesNotMatch(style, /light/)
})

test('a style sheet survives the escaping of the template', () => {
  assert.doesNotMatch(accentStyle({ light: '#1f5d4c', dark: '#6fd0b1' }), /[&<>"']/)
})

const css = readFileSync(new URL('../login/assets/latchkey.css', import.meta.url), 'utf8')
const [light = '', dark = ''] = css.match(/:root \{[^}]+\}/g) ?? []
const tokensOf: Record<Scheme, (name: string) => string> = {
  light: name => colourIn(light, name),
  dark: name => colourIn(dark, name),
}

function colourIn(block: string, name: string): string {
  const value = new RegExp(`--${name}: (#[0-9a-f]{6});`).exec(block)?.[1]
  assert.ok(value, `--${name} is not in the style sheet`)
  return value
}

for (const scheme of schemes) {
  const token = tokensOf[scheme]

  test(`the grounds an accent is measured on are those of the ${scheme} style sheet`, () => {
    assert.deepEqual([token('paper'), token('card')], [grounds[scheme].paper, grounds[scheme].card])
  })

  test(`every text colour of the ${scheme} style sheet can be read on every ground it is used on`, () => {
    for (const [text, ground] of [
      ['ink', 'paper'],
      ['ink', 'card'],
      ['ink', 'field'],
      ['ink', 'hover'],
      ['soft', 'paper'],
      ['soft', 'card'],
      ['soft', 'field'],
      ['bad', 'bad-ground'],
      ['on-accent', 'accent'],
      ['on-accent', 'accent-hover'],
      ['accent-text', 'paper'],
      ['accent-text', 'card'],
    ] as const) {
      assert.ok(contrast(token(text), token(ground)) >= 4.5, `--${text} on --${ground}`)
    }
  })

  test(`the edge of a field is seen in the ${scheme} style sheet (WCAG 2.2 §1.4.11)`, () => {
    for (const edge of ['edge', 'bad', 'accent-text']) {
      assert.ok(contrast(token(edge), token('card')) >= 3, `--${edge}`)
    }
  })
}
