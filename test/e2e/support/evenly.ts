/**
 * Says of each in turn whether it belongs to a share of all, which may change on the way: evenly, since chance would make
 * differences of its own.
 */
export function createEvenly(share: () => number): () => boolean {
  let owed = 0
  return () => {
    owed += share()
    if (owed < 1) return false
    owed -= 1
    return true
  }
}
