// What is counted and measured in this process. Counting a request is a few additions.

import type { MetricFamily, Sample } from './metric-families.ts'

type Labels = Readonly<Record<string, string>>

/** Numbers that only grow, by their labels. */
export class Counter {
  readonly #name: string
  readonly #help: string
  readonly #values = new Map<string, { labels: Labels; value: number }>()

  constructor(name: string, help: string) {
    this.#name = name
    this.#help = help
  }

  add(labels: Labels, amount = 1): void {
    const key = Object.values(labels).join('\0')
    const known = this.#values.get(key)
    if (known) known.value += amount
    else this.#values.set(key, { labels, value: amount })
  }

  get family(): MetricFamily {
    const samples = Array.from(this.#values.values(), ({ labels, value }) => ({ labels, value }))
    return { name: this.#name, help: this.#help, type: 'counter', samples }
  }
}

interface Distribution {
  readonly labels: Labels
  /** How many fell between this bound and the one before; the last is for what is beyond all of them. */
  readonly counts: number[]
  sum: number
}

/** How measurements are distributed over bounds, by their labels. */
export class Histogram {
  readonly #name: string
  readonly #help: string
  readonly #bounds: readonly number[]
  readonly #values = new Map<string, Distribution>()

  /** @param bounds upper bounds, in increasing order */
  constructor(name: string, help: string, bounds: readonly number[]) {
    this.#name = name
    this.#help = help
    this.#bounds = bounds
  }

  observe(labels: Labels, value: number): void {
    const key = Object.values(labels).join('\0')
    let known = this.#values.get(key)
    if (!known) {
      known = { labels, counts: Array.from({ length: this.#bounds.length + 1 }, () => 0), sum: 0 }
      this.#values.set(key, known)
    }
    let at = 0
    while (at < this.#bounds.length && value > this.#bounds[at]!) at++
    known.counts[at]!++
    known.sum += value
  }

  get family(): MetricFamily {
    const samples = Array.from(this.#values.values(), (value) => this.#samples(value)).flat()
    return { name: this.#name, help: this.#help, type: 'histogram', samples }
  }

  #samples({ labels, counts, sum }: Distribution): Sample[] {
    let total = 0
    const buckets = counts.map((count, at) => {
      total += count
      const le = at < this.#bounds.length ? String(this.#bounds[at]) : '+Inf'
      return { suffix: '_bucket', labels: { ...labels, le }, value: total }
    })
    return [
      ...buckets,
      { suffix: '_sum', labels, value: sum },
      { suffix: '_count', labels, value: total },
    ]
  }
}
