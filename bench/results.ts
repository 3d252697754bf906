/**
 * What was measured, kept for the record: a file for programs and one to read, for each run. Ratios travel between
 * machines and rates do not, so the machine is told too, but not whose it is.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findPostgres } from '../tools/prerequisites.ts'
import { type Figure, holds, renderFigures } from './figure.ts'
import { cores } from './processes.ts'

export interface Measured {
  readonly name: string
  readonly sentence: string
  readonly figures: readonly Figure[]
}

export interface Setting {
  readonly commit: string
  /** Whether what ran is what was committed. */
  readonly changed: boolean
  readonly machine: Readonly<Record<string, string>>
}

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const FOLDER = fileURLToPath(new URL('results/', import.meta.url))

/** Answers the path of the table. */
export function keep(measured: readonly Measured[], at: Date): string {
  mkdirSync(FOLDER, { recursive: true })
  const setting = settingHere()
  const name = `${at.toISOString().slice(0, 16).replace(':', '')}-${measured.map(({ name }) => name).join('-')}`
  const path = join(FOLDER, name.slice(0, 100))
  writeFileSync(`${path}.json`, `${JSON.stringify({ at, ...setting, measured }, null, 2)}\n`)
  writeFileSync(`${path}.md`, renderResults(measured, at, setting))
  return `${path}.md`
}

export function renderResults(measured: readonly Measured[], at: Date, { commit, changed, machine }: Setting): string {
  const missed = measured.flatMap(({ figures }) => figures.filter(figure => !holds(figure)))
  return [
    `# Measured on ${at.toISOString().slice(0, 10)}`,
    `Commit ${commit}${changed ? ', with changes that were not committed' : ''}.`,
    Object.entries(machine)
      .map(([name, value]) => `- ${name}: ${value}`)
      .join('\n'),
    ...measured.flatMap(({ name, sentence, figures }) => [
      `## ${name}`,
      `${sentence[0]?.toUpperCase()}${sentence.slice(1)}.`,
      `\`\`\`text\n${renderFigures(figures)}\n\`\`\``,
    ]),
    missed.length === 0 ? 'Every bar holds.' : `Missed: ${missed.map(figure => figure.name).join('; ')}.`,
  ]
    .join('\n\n')
    .concat('\n')
}

function settingHere(): Setting {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim()
  const [processor] = cpus()
  return {
    commit: git('rev-parse', '--short', 'HEAD'),
    changed: git('status', '--porcelain', '--untracked-files=no') !== '',
    machine: {
      processors: `${cpus().length} × ${processor?.model.trim() ?? 'unknown'}`,
      memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
      system: `${process.platform} ${release().split('-')[0]}, ${process.arch}`,
      node: process.version,
      'oidc-provider': versionOf('oidc-provider'),
      postgresql: versionOfPostgres(),
      'measured on':
        cores.measured === null
          ? 'no processor of its own'
          : `processor ${cores.measured}; load and databases on ${cores.asking}`,
    },
  }
}

const versionOf = (dependency: string): string =>
  JSON.parse(readFileSync(join(ROOT, 'node_modules', dependency, 'package.json'), 'utf8')).version

function versionOfPostgres(): string {
  const programs = findPostgres()
  return programs ? execFileSync(join(programs, 'postgres'), ['--version'], { encoding: 'utf8' }).trim() : 'none'
}
