import assert from 'node:assert/strict'
import { test } from 'node:test'
import { processorTime } from '../../tests/fixtures/processor-time.ts'
import { textOf } from './html-text.ts'

const CASES: readonly (readonly [string, string, string])[] = [
  ['blocks are lines', '<p>One</p><p>Two<br>three</p>', 'One\n\nTwo\nthree'],
  [
    'a link is followed by its address',
    '<a class="x" href="https://a.example/?a=1&amp;b=2">Go <b>on</b></a>.',
    'Go on:\nhttps://a.example/?a=1&b=2\n.',
  ],
  [
    'an address that is its own words is said once',
    "<a href='https://a.example/'>https://a.example/</a>",
    'https://a.example/',
  ],
  ['what is not shown is not read out', '<head><title>T</title></head><style>p{}</style><!-- <p>no</p> -->yes', 'yes'],
  ['entities are signs', '&lt;b&gt; &#65;&#x42; &unknown; &#0;', '<b> AB &unknown;'],
  ['what never ends is left out', 'before<!-- after', 'before'],
  ['a script that never ends is left out', 'before<script>after', 'before'],
]

for (const [what, html, text] of CASES) test(`in a mail as text ${what}`, () => assert.equal(textOf(html), text))

test('markup that is made to be read again and again is read once', () => {
  const took = processorTime(() => {
    for (const part of [
      '<!--',
      '<a href="',
      '<a>',
      '<style',
      '<',
      '&#',
      '<a href="x">',
      '</a>',
      '\n',
      '<style><style>',
    ])
      textOf(part.repeat(60_000))
  })
  assert.ok(took < 5000)
})
