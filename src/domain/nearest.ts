/**
 * The candidate that a mistyped word most likely meant: the one at the smallest edit distance (swapped
 * neighbours count once), ignoring case, as long as no more than a third of its letters (at least one)
 * differ; null without one.
 */
export function findNearest(word: string, candidates: readonly string[]): string | null {
  let best: string | null = null
  let bestDistance = Infinity
  for (const candidate of candidates) {
    const allowed = Math.max(1, Math.floor(candidate.length / 3))
    // A difference in length is a lower bound, and spares the work on a word of a megabyte.
    if (Math.abs(candidate.length - word.length) > allowed) continue
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance <= allowed && distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** `: did you mean "split"?` or nothing: the end of a sentence about an unknown word. */
export function suggest(word: string, candidates: readonly string[]): string {
  const nearest = findNearest(word, candidates)
  return nearest === null ? '' : `: did you mean "${nearest}"?`
}

// Edits and swaps of neighbours, one row of the table at a time (optimal string alignment).
function editDistance(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const isSwap = j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swapped = isSwap ? before[j - 2]! + 1 : Infinity
      next.push(Math.min(replaced, swapped, row[j]! + 1, next[j - 1]! + 1))
    }
    before = row
    row = next
  }
  return row[b.length]!
}
