/**
 * Notices that files hold something else: the folders they stand in are watched, since editors and deployments put
 * another file in a file's place, and so are those that links lead through, since Kubernetes moves a link (`..data`)
 * and nothing else. What of it matters is found by reading. Where the system tells nothing (network file systems), the
 * files are read again now and then. What a change means is for whoever is told.
 */
import { type FSWatcher, lstatSync, readFileSync, readlinkSync, watch } from 'node:fs'
import { dirname, join, parse, resolve, sep } from 'node:path'
import { SECOND } from '../kernel/seconds.ts'
import { sha256 } from '../kernel/secrets.ts'

export interface FileWatch {
  /**
   * From now on these, as absolute paths. What those hold that were not followed before is no change; what others were
   * given since the last look, perhaps while they were read, is.
   */
  follow(files: readonly string[]): void
  stop(): void
}

export interface WatchOptions {
  /** So long nothing may happen until files are read: a file that is being written is not read halfway. */
  readonly quiet?: number
  /** How often they are read though nothing was heard. */
  readonly interval?: number
}

const QUIET = 200
const INTERVAL = 10 * SECOND
/** Links that lead through more are a circle. */
const MOST_LINKS = 40

/** `changed` is called once for what changes together. */
export function watchFiles(
  files: readonly string[],
  changed: () => void,
  { quiet = QUIET, interval = INTERVAL }: WatchOptions = {},
): FileWatch {
  let held = contentsOf(files)
  let folders = new Map<string, FSWatcher | null>()
  let pending: NodeJS.Timeout | undefined
  let isStopped = false

  function look(): void {
    pending = undefined
    // A link may lead elsewhere now.
    watchFolders()
    const now = contentsOf([...held.keys()])
    const isSame = [...now].every(([file, contents]) => held.get(file) === contents)
    held = now
    if (!isSame) changed()
  }

  function lookSoon(): void {
    clearTimeout(pending)
    // What was heard before the end may arrive after it.
    if (!isStopped) pending = setTimeout(look, quiet).unref()
  }

  function watchFolders(): void {
    const wanted = new Set([...held.keys()].flatMap(foldersOf))
    for (const [folder, watcher] of folders) if (!wanted.has(folder)) watcher?.close()
    folders = new Map([...wanted].map(folder => [folder, folders.get(folder) ?? tryToWatch(folder)]))
  }

  function tryToWatch(folder: string): FSWatcher | null {
    try {
      const watcher = watch(folder, { persistent: false }, lookSoon)
      // A folder that was removed: it is found again by looking.
      watcher.on('error', () => {
        watcher.close()
        if (folders.get(folder) === watcher) folders.set(folder, null)
      })
      return watcher
    } catch {
      return null
    }
  }

  watchFolders()
  const looking = setInterval(look, interval).unref()
  return {
    follow(next) {
      const now = contentsOf(next)
      held = new Map([...now].map(([file, contents]) => [file, held.get(file) ?? contents]))
      watchFolders()
    },
    stop() {
      isStopped = true
      clearInterval(looking)
      clearTimeout(pending)
      for (const watcher of folders.values()) watcher?.close()
      folders.clear()
    },
  }
}

/** What each of them holds, in short; that one cannot be read is told as what it holds. */
const contentsOf = (files: readonly string[]): ReadonlyMap<string, string> =>
  new Map(files.map(file => [file, contentOf(file)]))

function contentOf(file: string): string {
  try {
    return sha256(readFileSync(file))
  } catch (error) {
    return `${(error as NodeJS.ErrnoException).code}`
  }
}

/** Those in which something happens when another file is put in the place of this one: its own, and each link's. */
function foldersOf(file: string): readonly string[] {
  const folders = [dirname(file)]
  let path = file
  for (let links = 0; links < MOST_LINKS; links++) {
    const link = firstLinkIn(path)
    if (!link) break
    folders.push(dirname(link.at))
    path = resolve(dirname(link.at), link.to, link.rest)
  }
  folders.push(dirname(path))
  return folders
}

/** The first part of the path that is a link, and what follows it. */
function firstLinkIn(path: string): { at: string; to: string; rest: string } | undefined {
  const { root } = parse(path)
  const parts = path.slice(root.length).split(sep)
  let at = root
  for (const [index, part] of parts.entries()) {
    at = join(at, part)
    try {
      if (lstatSync(at).isSymbolicLink())
        return { at, to: readlinkSync(at), rest: join(...parts.slice(index + 1), '.') }
    } catch {
      return undefined
    }
  }
  return undefined
}
