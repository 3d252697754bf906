/**
 * Master keys: what everything sealed at rest is sealed under, in the end. This file says what a list of them is;
 * where the list comes from is the business of the files beside it, and what is done with a key of `keys/sealer.ts`.
 */
import { createSecretKey, type KeyObject } from 'node:crypto'

export const MASTER_KEY_BYTES = 32

/** A name without dots, because it stands between dots in every sealed value. */
export const MASTER_KEY_ID = /^[A-Za-z0-9_-]{1,64}$/

export interface MasterKey {
  readonly id: string
  /** An object and not bytes: printed by mistake, in a log or an error, it shows nothing. */
  readonly key: KeyObject
}

export interface MasterKeys {
  /** The one that seals: the first of the list. */
  readonly current: MasterKey
  /** Of all of them, in the order of the list. */
  readonly ids: readonly string[]
  /** Any of them, for opening. */
  find(id: string): MasterKey | undefined
}

/** @throws TypeError for an empty list, an id twice or malformed, or a key that is not 32 bytes. */
export function masterKeys(list: readonly { id: string; bytes: Uint8Array }[]): MasterKeys {
  const byId = new Map<string, MasterKey>()
  for (const { id, bytes } of list) {
    if (!MASTER_KEY_ID.test(id)) throw new TypeError('a master key id is 1 to 64 letters, digits, "-" or "_"')
    if (byId.has(id)) throw new TypeError(`the master key id ${id} is there twice`)
    if (bytes.length !== MASTER_KEY_BYTES) throw new TypeError(`a master key is ${MASTER_KEY_BYTES} bytes`)
    byId.set(id, { id, key: createSecretKey(bytes) })
  }
  const [current] = byId.values()
  if (!current) throw new TypeError('there is no master key')
  return { current, ids: [...byId.keys()], find: id => byId.get(id) }
}
