// The name that somebody may have meant.

/** The known name that a misspelt one is most like; undefined when it is like none of them. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const folded = name.toLowerCase()
  const most = Math.min(2, Math.floor(name.length / 3))
  const [best] = known
    .map((other) => ({ other, distance: editDistance(folded, other.toLowerCase()) }))
    .filter(({ distance }) => distance <= most)
    .toSorted((a, b) => a.distance - b.distance)
  return best?.other
}

/** How many letters must be added, left out or replaced to make one text of the other (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const replaced = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[to.length]!
}
