import { isOfDisk } from './name-full-disk.ts'

let isQuiet = false

/**
 * Keeps from stderr what lmdb prints there of each commit that the disk did not take: a trace of many lines that is not JSON,
 * each second while a disk is full. It has no option for that (`console.error` in its write.js), and rejects the commit with
 * the same error, of which the log has its line. What else is printed by `console.error` is printed as it was. Lines of its C code
 * (`mdb_page_spill error 28`) go past Node and stay.
 */
export function keepLmdbQuiet(): void {
  if (isQuiet) return
  isQuiet = true
  const { console } = globalThis
  const print = console.error.bind(console)
  console.error = (...printed: unknown[]): void => {
    if (printed.length === 1 && isOfDisk(printed[0])) return
    print(...printed)
  }
}
