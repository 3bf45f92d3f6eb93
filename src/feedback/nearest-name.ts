/**
 * The name that `found` was probably meant to be: the one with the fewest insertions, deletions and
 * replacements of a character (Levenshtein distance), at most a third of its length; else null.
 */
export function findNearestName(found: string, names: readonly string[]): string | null {
  let nearest: string | null = null
  let best = Infinity
  for (const name of names) {
    // A difference in length is a lower bound, and spares the work on a name of a megabyte.
    if (Math.abs(name.length - found.length) > name.length / 3) continue
    const distance = measureDistance(found.toLowerCase(), name.toLowerCase())
    if (distance <= Math.max(1, name.length / 3) && distance < best) {
      nearest = name
      best = distance
    }
  }
  return nearest
}

function measureDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = previous[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1)
      current.push(Math.min(replaced, previous[column]! + 1, current[column - 1]! + 1))
    }
    previous = current
  }
  return previous[b.length]!
}
