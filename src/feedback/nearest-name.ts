/**
 * The name that `found` was probably meant to be: the one with the fewest insertions, deletions,
 * replacements and swaps of neighbours (optimal string alignment distance; case does not count), at
 * most a third of its length; else null.
 */
export function findNearestName(found: string, names: readonly string[]): string | null {
  let nearest: string | null = null
  let best = Infinity
  for (const name of names) {
    const allowed = Math.max(1, Math.floor(name.length / 3))
    // A difference in length is a lower bound, and spares the work on a name of a megabyte.
    if (Math.abs(name.length - found.length) > allowed) continue
    const distance = measureDistance(found.toLowerCase(), name.toLowerCase())
    if (distance <= allowed && distance < best) {
      nearest = name
      best = distance
    }
  }
  return nearest
}

function measureDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, column) => column)]
  for (let row = 1; row <= a.length; row += 1) {
    const above = rows[row - 1]!
    const current = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = above[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1)
      const isSwap = row > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      const swapped = isSwap ? rows[row - 2]![column - 2]! + 1 : Infinity
      current.push(Math.min(replaced, swapped, above[column]! + 1, current[column - 1]! + 1))
    }
    rows.push(current)
  }
  return rows[a.length]![b.length]!
}
