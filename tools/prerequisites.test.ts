import assert from 'node:assert/strict'
import { it } from 'node:test'
import {
  findCaddy,
  findChromium,
  findNginx,
  findPostgres,
  findRedis,
  instructions,
  newestPostgres,
  prerequisites,
} from './prerequisites.ts'

it('the newest PostgreSQL is taken, by number and not by spelling', () => {
  const installed = [9, 100, 16].map(major => ({ program: `/usr/lib/postgresql/${major}/bin/postgres`, major }))
  assert.equal(newestPostgres(installed), '/usr/lib/postgresql/100/bin')
})

it('a PostgreSQL older than the migrations allow counts as missing', () => {
  assert.equal(newestPostgres([{ program: '/usr/lib/postgresql/14/bin/postgres', major: 14 }]), undefined)
})

it('the instructions name what is missing and nothing else', () => {
  const text = instructions(prerequisites.filter(one => one.packages.apt !== 'chromium'))
  assert.match(text, /need PostgreSQL 15 or later, Redis or Valkey, a font with Korean letters, nginx, and Caddy,/)
  assert.match(
    text,
    /apt-get install --no-install-recommends postgresql redis-server fonts-noto-cjk nginx-light caddy\n/,
  )
  assert.match(text, /dnf install postgresql-server valkey google-noto-sans-cjk-fonts nginx caddy\n/)
  assert.match(text, /brew install postgresql@18 redis font-noto-sans-cjk nginx caddy\n/)
})

it('what the fixtures start is found on a machine that passed the check', () => {
  assert.match(findPostgres() ?? '', /bin$/)
  assert.match(findChromium() ?? '', /chrom/i)
  assert.match(findRedis() ?? '', /redis|valkey/)
  assert.match(findNginx() ?? '', /nginx/)
  assert.match(findCaddy() ?? '', /caddy/)
})
