import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type FileWatch, type WatchOptions, watchFiles } from './watch-files.ts'

/** Long enough that only the system's word can be what is heard. */
const NEVER = 3_600_000

describe('files that are watched', () => {
  let folder = ''
  let watching: FileWatch | undefined
  let changes = 0
  let heard = () => {}

  const write = (name: string, content: string) => writeFileSync(join(folder, name), content)
  const start = (names: readonly string[], options: WatchOptions = {}) => {
    const files = names.map(name => join(folder, name))
    const count = () => {
      changes++
      heard()
    }
    watching = watchFiles(files, count, { quiet: 20, interval: NEVER, ...options })
  }
  /** The next change after the act. */
  const changeAfter = async (act: () => void): Promise<void> => {
    const next = new Promise<void>(resolve => {
      heard = resolve
    })
    act()
    // The watching itself keeps no process alive.
    const waiting = setInterval(() => {}, NEVER)
    await next
    clearInterval(waiting)
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-watch-'))
    changes = 0
  })
  afterEach(() => {
    watching?.stop()
    rmSync(folder, { recursive: true })
  })

  test('are noticed when one is written to, and when another is put in its place', async () => {
    write('edge.yaml', 'one')
    start(['edge.yaml'])
    await changeAfter(() => write('edge.yaml', 'two'))
    for (const content of ['three', 'four'])
      await changeAfter(() => {
        write('.edge.yaml.swp', content)
        renameSync(join(folder, '.edge.yaml.swp'), join(folder, 'edge.yaml'))
      })
    assert.equal(changes, 3)
  })

  test('are noticed when only a link is moved, as Kubernetes does, again and again', async () => {
    for (const version of ['v1', 'v2', 'v3']) {
      mkdirSync(join(folder, version))
      write(`${version}/edge.yaml`, version)
      write(`${version}/secret`, 'same')
    }
    const point = (version: string) => {
      symlinkSync(version, join(folder, '..tmp'))
      renameSync(join(folder, '..tmp'), join(folder, '..data'))
    }
    point('v1')
    for (const name of ['edge.yaml', 'secret']) symlinkSync(join('..data', name), join(folder, name))
    start(['edge.yaml', 'secret'])
    await changeAfter(() => point('v2'))
    await changeAfter(() => point('v3'))
    await changeAfter(() => write('v3/secret', 'other'))
    assert.equal(changes, 3)
  })

  test('are noticed once they are there, and once they are gone', async () => {
    start(['edge.yaml'])
    await changeAfter(() => write('edge.yaml', 'one'))
    await changeAfter(() => rmSync(join(folder, 'edge.yaml')))
    assert.equal(changes, 2)
  })

  test('are read when writing is over: what is written in pieces is one change', async () => {
    write('edge.yaml', '')
    start(['edge.yaml'], { quiet: 300 })
    await changeAfter(() => {
      for (const piece of ['routes', 'routes: [', 'routes: []']) write('edge.yaml', piece)
    })
    await changeAfter(() => write('edge.yaml', 'routes: [ ]'))
    assert.equal(changes, 2)
  })

  test('are no news when they hold what they held, or something else happens beside them', async () => {
    write('edge.yaml', 'one')
    write('secret', 'one')
    start(['edge.yaml', 'secret'])
    write('edge.yaml', 'one')
    write('other.yaml', 'one')
    await changeAfter(() => write('secret', 'two'))
    assert.equal(changes, 1)
  })

  test('are others once others are named', async () => {
    write('edge.yaml', 'one')
    write('secret', 'one')
    start(['edge.yaml'])
    watching?.follow([join(folder, 'secret')])
    write('edge.yaml', 'two')
    await changeAfter(() => write('secret', 'two'))
    assert.equal(changes, 1)
  })

  test('are noticed when they change while they are read, before it is said which they are', async () => {
    write('edge.yaml', 'one')
    start(['edge.yaml'])
    await changeAfter(() => {
      write('edge.yaml', 'two')
      watching?.follow([join(folder, 'edge.yaml')])
    })
  })

  test('are read now and then where the system says nothing', async () => {
    write('edge.yaml', 'one')
    start(['edge.yaml'], { quiet: NEVER, interval: 20 })
    await changeAfter(() => write('edge.yaml', 'two'))
  })

  test('may be links in a circle', () => {
    symlinkSync('b', join(folder, 'a'))
    symlinkSync('a', join(folder, 'b'))
    start(['a'])
    assert.equal(changes, 0)
  })
})
