import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  statfsSync,
  statSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { StoreError, toStoreError } from './store-error.ts'

/** LMDB's files in a folder: the data, and the locks of the processes that use it. */
export const LMDB_FILES = ['data.mdb', 'lock.mdb'] as const

/** Makes sure that `path` is a directory that LMDB can work in: makes it, or throws a StoreError. */
export function prepareStoreDirectory(path: string): void {
  try {
    makeDirectories(path)
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw toStoreError(`the store's path ${path} is not a directory that can be written`, error)
  }
  if (!existsSync(join(path, 'lock.mdb'))) requireRoom(path)
  let isUsable: boolean
  try {
    isUsable = isLmdbFile(join(path, 'data.mdb'))
  } catch (error) {
    throw toStoreError(`cannot open the store at ${path}`, error)
  }
  if (isUsable) return
  throw new StoreError(
    `cannot open the store at ${path}: its data.mdb is damaged, or not a file of LMDB's`,
  )
}

/** More than LMDB takes for a store without data and its locks. */
const ROOM_BYTES = 1024 ** 2

/**
 * Throws a StoreError where the disk of a folder, of which `freeBytes` are free, has no room for a new store: LMDB writes its
 * locks through memory, and where the disk does not take them the system ends the process (SIGBUS).
 */
export function requireRoom(folder: string, freeBytes = readFreeBytes(folder)): void {
  if (freeBytes >= ROOM_BYTES) return
  const left = Math.floor(freeBytes / 1024)
  throw new StoreError(
    `the disk of ${folder} is full: ${left} KiB are free, and a new store takes up to ${ROOM_BYTES / 1024} KiB`,
  )
}

/** Bytes that the disk of a folder has left for this user; Infinity where the system does not tell. */
export function readFreeBytes(folder: string): number {
  try {
    const { bavail, blocks, bsize } = statfsSync(folder)
    return blocks === 0 ? Infinity : bavail * bsize
  } catch {
    // Whoever asks has an error of his own to tell, or meets the same one next.
    return Infinity
  }
}

/** Makes the files of a new store, which LMDB would make readable by every user; those that exist stay as they are. */
export function makePrivateFiles(path: string): void {
  for (const name of LMDB_FILES) closeSync(openSync(join(path, name), 'a', 0o600))
}

/**
 * Says that every user of this machine may read the store in a folder, and what to do; null = they may not, or there is
 * none. What a group may is the business of whoever made the folder.
 */
export function describeExposure(path: string): string | null {
  const folder = statSync(path, { throwIfNoEntry: false })
  const file = statSync(join(path, 'data.mdb'), { throwIfNoEntry: false })
  if (folder === undefined || file === undefined) return null
  const isExposed = (folder.mode & 0o001) !== 0 && (file.mode & 0o004) !== 0
  return isExposed ? `every user of this machine may read ${path}: chmod -R go= ${path}` : null
}

/**
 * As `mkdir -p`, for this user alone: folders that exist stay as they are. The `recursive` of Node.js spins for ever where a directory exists and yet takes no
 * child: below /proc, or at a link to nowhere.
 */
export function makeDirectories(path: string): void {
  if (isDirectory(path)) return
  if (dirname(path) !== path) makeDirectories(dirname(path))
  try {
    mkdirSync(path, 0o700)
  } catch (error) {
    // Another process may have been faster.
    if (!isDirectory(path)) throw error
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

/** LMDB begins with two pages of at least 4,096 bytes; its mark stands in the head of each. */
const MIN_BYTES = 8192
const HEAD_BYTES = 64
const MAGIC = 0xbeefc0de

/** The binding of `lmdb` takes the process down with it when it opens anything else. */
function isLmdbFile(path: string): boolean {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return true
  const file = openSync(path, 'r+')
  try {
    const { size } = fstatSync(file)
    if (size === 0) return true
    const head = new DataView(new ArrayBuffer(HEAD_BYTES))
    readSync(file, head, 0, HEAD_BYTES, 0)
    // Its offset depends on the width of the machine's words, its order of bytes on the machine too.
    const hasMagic = Array.from({ length: HEAD_BYTES / 4 }, (_, word) => word * 4).some(
      (at) => head.getUint32(at, true) === MAGIC || head.getUint32(at, false) === MAGIC,
    )
    return size >= MIN_BYTES && hasMagic
  } finally {
    closeSync(file)
  }
}
