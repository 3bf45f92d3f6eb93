import type { Database, Key } from 'lmdb'
import type { Place } from './lmdb-lanes.ts'

const HEAD = 5

/** A cohort of a bundle. */
export type Bundled = { readonly number: number; readonly bytes: Buffer }

/**
 * Archived cohorts of one number and one lane, in one record: with a record for each, every tick of every service
 * would be a page of the disk. What a transaction changes is written at its end, once for all of its changes.
 */
export type LmdbBundles = {
  /** All of the following in a write transaction. */
  readonly has: (place: Place, number: number) => boolean
  readonly get: (place: Place, number: number) => Buffer | undefined
  readonly put: (place: Place, number: number, bytes: Buffer) => void
  readonly remove: (place: Place, number: number) => void
  /** Writes what has changed. */
  readonly flush: () => void
  /** The transaction is over. */
  readonly clear: () => void
  /** Cohorts of a place from one number to before another, in order; in a transaction after a `flush`. */
  readonly range: (place: Place, from: number, to: number) => Iterable<Bundled>
}

type Bundle = { readonly key: Key; readonly bySlot: Map<number, Buffer>; isChanged: boolean }

/** The bundles of one environment, by [lane, number]. */
export function createLmdbBundles(table: Database<Buffer, Key>): LmdbBundles {
  const open = new Map<string, Bundle>()

  const bundleOf = ({ lane }: Place, number: number): Bundle => {
    const name = `${lane} ${number}`
    let bundle = open.get(name)
    if (bundle === undefined) {
      const key = [lane, number]
      bundle = { key, bySlot: decodeBundle(table.get(key)), isChanged: false }
      open.set(name, bundle)
    }
    return bundle
  }

  return {
    get: (place, number) => bundleOf(place, number).bySlot.get(place.slot),
    has: (place, number) => bundleOf(place, number).bySlot.has(place.slot),
    put: (place, number, bytes) => {
      const bundle = bundleOf(place, number)
      bundle.bySlot.set(place.slot, bytes)
      bundle.isChanged = true
    },
    remove: (place, number) => {
      const bundle = bundleOf(place, number)
      bundle.bySlot.delete(place.slot)
      bundle.isChanged = true
    },
    flush: () => {
      for (const bundle of open.values()) {
        if (!bundle.isChanged) continue
        bundle.isChanged = false
        if (bundle.bySlot.size === 0) void table.remove(bundle.key)
        else void table.put(bundle.key, encodeBundle(bundle.bySlot))
      }
    },
    clear: () => open.clear(),
    range: function* ({ lane, slot }, from, to) {
      for (const { key, value } of table.getRange({ start: [lane, from], end: [lane, to] })) {
        const bytes = pick(value, slot)
        if (bytes !== null) yield { number: (key as [number, number])[1], bytes }
      }
    },
  }
}

// Layout, of each cohort: slot u8 · length u32 · record.
function encodeBundle(bySlot: ReadonlyMap<number, Buffer>): Buffer {
  let length = 0
  for (const bytes of bySlot.values()) length += HEAD + bytes.length
  const bundle = Buffer.allocUnsafe(length)
  let at = 0
  for (const [slot, bytes] of bySlot) {
    bundle[at] = slot
    bundle.writeUInt32LE(bytes.length, at + 1)
    bytes.copy(bundle, at + HEAD)
    at += HEAD + bytes.length
  }
  return bundle
}

function decodeBundle(bundle: Buffer | undefined): Map<number, Buffer> {
  const bySlot = new Map<number, Buffer>()
  if (bundle === undefined) return bySlot
  for (let at = 0; at < bundle.length; at = endOf(bundle, at)) {
    bySlot.set(bundle[at]!, bundle.subarray(at + HEAD, endOf(bundle, at)))
  }
  return bySlot
}

function pick(bundle: Buffer, slot: number): Buffer | null {
  for (let at = 0; at < bundle.length; at = endOf(bundle, at)) {
    if (bundle[at] === slot) return bundle.subarray(at + HEAD, endOf(bundle, at))
  }
  return null
}

function endOf(bundle: Buffer, at: number): number {
  return at + HEAD + bundle.readUInt32LE(at + 1)
}
