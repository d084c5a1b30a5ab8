// The header `Range` (RFC 9110 §14.2) -> parts of a file.

/** Both ends are part of it, in bytes from the start. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

// Players and viewers ask for one or two. Many tiny ones would have us send far more headers of parts than they cost to ask for.
const MAX_RANGES = 8
const MAX_LENGTH = 256

/**
 * Reads the header for a file of `size` bytes. Ranges that touch or overlap become one; they come out in their order in the file.
 * @returns undefined when the header is to be ignored, and the whole file sent: malformed, of another unit, or asking for too much.
 */
export function parseRanges(
  header: string,
  size: number,
): readonly ByteRange[] | 'unsatisfiable' | undefined {
  const unit = /^bytes[ \t]*=/i.exec(header)
  if (!unit || header.length > MAX_LENGTH) return undefined
  const specs = header.slice(unit[0].length).split(',')
  const ranges: ByteRange[] = []
  let count = 0
  for (const spec of specs) {
    const text = spec.trim()
    // An empty member of a list counts as none (RFC 9110 §5.6.1.2).
    if (text === '') continue
    count++
    const range = parseRange(text, size)
    if (range === undefined) return undefined
    if (range.first <= range.last) ranges.push(range)
  }
  if (count === 0 || count > MAX_RANGES) return undefined
  return ranges.length === 0 ? 'unsatisfiable' : combine(ranges)
}

/** What lies behind the end of the file comes out with its ends crossed. */
function parseRange(text: string, size: number): ByteRange | undefined {
  const ends = /^(\d*)-(\d*)$/.exec(text)
  if (!ends) return undefined
  const [, from = '', to = ''] = ends
  if (from === '') {
    // `-500`: the last 500 bytes, or all when there are fewer.
    return to === '' ? undefined : { first: Math.max(0, size - Number(to)), last: size - 1 }
  }
  if (to !== '' && Number(to) < Number(from)) return undefined
  return { first: Number(from), last: to === '' ? size - 1 : Math.min(Number(to), size - 1) }
}

function combine(ranges: ByteRange[]): readonly ByteRange[] {
  const combined: ByteRange[] = []
  for (const range of ranges.toSorted((a, b) => a.first - b.first)) {
    const before = combined.at(-1)
    if (before && range.first <= before.last + 1) {
      combined[combined.length - 1] = {
        first: before.first,
        last: Math.max(before.last, range.last),
      }
    } else {
      combined.push(range)
    }
  }
  return combined
}
