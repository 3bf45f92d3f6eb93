/**
 * The candidate that a mistyped word most likely meant: the one at the smallest edit distance (swapped
 * neighbours count once), ignoring case, as long as few enough of its letters differ (`allowedEdits`); null
 * without one.
 */
export function findNearest(word: string, candidates: readonly string[]): string | null {
  const lower = word.toLowerCase()
  let best: string | null = null
  let bestDistance = Infinity
  for (const candidate of candidates) {
    const allowed = allowedEdits(lower, candidate.toLowerCase())
    // A difference in length is a lower bound, and spares the work on a word of a megabyte.
    if (Math.abs(candidate.length - word.length) > allowed) continue
    const distance = editDistance(lower, candidate.toLowerCase())
    if (distance <= allowed && distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/**
 * A third of the letters, at least one. Of five it is two where the word begins and ends alike: `frod` was
 * `fraud`, and `cable` was no `label`.
 */
function allowedEdits(word: string, candidate: string): number {
  const isFramed =
    candidate.length === 5 &&
    word.slice(0, 2) === candidate.slice(0, 2) &&
    word.at(-1) === candidate.at(-1)
  return isFramed ? 2 : Math.max(1, Math.floor(candidate.length / 3))
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
