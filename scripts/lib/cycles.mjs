// Circles in a directed graph.

/**
 * One circle through every file that is part of any, shortest first seen.
 * @param {Map<string, string[]>} graph files and what they import
 * @returns {string[][]} each circle starts with the file that is first by name
 */
export function findCircles(graph) {
  const seen = new Set()
  /** @type {string[][]} */
  const circles = []
  for (const start of [...graph.keys()].toSorted()) {
    if (seen.has(start)) continue
    const circle = shortestWayBack(graph, start)
    if (!circle) continue
    for (const file of circle) seen.add(file)
    circles.push(circle)
  }
  return circles
}

/**
 * Breadth first, so the circle that is told is the shortest there is.
 * @param {Map<string, string[]>} graph
 * @param {string} start
 * @returns {string[] | undefined}
 */
function shortestWayBack(graph, start) {
  const queue = [[start]]
  const visited = new Set()
  for (let way = queue.shift(); way; way = queue.shift()) {
    for (const next of graph.get(way.at(-1) ?? '') ?? []) {
      if (next === start) return way
      if (visited.has(next)) continue
      visited.add(next)
      queue.push([...way, next])
    }
  }
  return undefined
}
