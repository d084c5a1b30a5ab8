// Metrics as plain data: what a process measures, what several processes measure together, and the text that Prometheus reads
// (exposition format 0.0.4). Plain, so that workers can send it to the process above them.

export type MetricType = 'counter' | 'gauge' | 'histogram'

/** One number, and what it is about. */
export interface Sample {
  /** `_bucket`, `_sum`, `_count` of a histogram. */
  readonly suffix?: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** All samples of one name. */
export interface MetricFamily {
  readonly name: string
  readonly help: string
  readonly type: MetricType
  readonly samples: readonly Sample[]
}

/** The content type of {@link exposition}. */
export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** The text that Prometheus reads. */
export function exposition(families: readonly MetricFamily[]): string {
  return families.map(familyText).join('')
}

/** The families of several processes as those of one: samples with the same labels are added up. */
export function addUp(all: Iterable<readonly MetricFamily[]>): MetricFamily[] {
  const families = new Map<string, { family: MetricFamily; samples: Map<string, Sample> }>()
  for (const list of all) {
    for (const family of list) {
      const known = families.get(family.name) ?? { family, samples: new Map<string, Sample>() }
      families.set(family.name, known)
      for (const sample of family.samples) {
        const key = `${sample.suffix ?? ''}${JSON.stringify(sample.labels)}`
        const value = (known.samples.get(key)?.value ?? 0) + sample.value
        known.samples.set(key, { ...sample, value })
      }
    }
  }
  return Array.from(families.values(), ({ family, samples }) => ({
    ...family,
    samples: [...samples.values()],
  }))
}

/** What stays of a process that is gone: what it has counted, and nothing of what it was doing. */
export function countersOf(families: readonly MetricFamily[]): MetricFamily[] {
  return families.filter(({ type }) => type !== 'gauge')
}

function familyText({ name, help, type, samples }: MetricFamily): string {
  if (samples.length === 0) return ''
  const escaped = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
  const lines = samples.map(({ suffix = '', labels, value }) => {
    return `${name}${suffix}${labelText(labels)} ${numberText(value)}\n`
  })
  return `# HELP ${name} ${escaped}\n# TYPE ${name} ${type}\n${lines.join('')}`
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  return String(value)
}
