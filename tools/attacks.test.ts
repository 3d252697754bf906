import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'

const PAGE = new URL('../docs/attacks.md', import.meta.url)
const ATTACKS = new URL('../tests/attacks/', import.meta.url)

const page = readFileSync(PAGE, 'utf8')
const lines = page.split('\n').filter(line => line.startsWith('| ') && !/^\| (?:What is tried|---)/.test(line))
const linked = [...page.matchAll(/\]\(([^)#]+)\)/g)].map(([, target = '']) => target)
const files = readdirSync(ATTACKS).filter(name => name.endsWith('.test.ts'))

describe('docs/attacks.md', () => {
  it('names every file of tests/attacks', () => {
    assert.ok(files.length > 0)
    const missing = files.filter(name => !linked.includes(`../tests/attacks/${name}`))
    assert.deepEqual(missing, [])
  })

  it('names no file that is not there', () => {
    const gone = linked.filter(target => !existsSync(new URL(target, PAGE)))
    assert.deepEqual(gone, [])
  })

  it('has a file for each attack, called by its own name', () => {
    for (const line of lines) assert.match(line, /\(\.\.\/tests\/attacks\/[\w-]+\.test\.ts\)/)
    for (const [, name, target] of page.matchAll(/\[([\w-]+)\]\(\.\.\/tests\/attacks\/([\w-]+)\.test\.ts\)/g))
      assert.equal(name, target)
  })
})

describe('a file of tests/attacks', () => {
  for (const name of files)
    it(`opens by saying what is tried: ${name}`, () =>
      assert.ok(/^\/\*\*(?: |\n \* )\w/.test(readFileSync(new URL(name, ATTACKS), 'utf8'))))
})
