// Numbers for people. Pure.

const SIZES = ['kB', 'MB', 'GB', 'TB']

/** A number of bytes: `512 B`, `1.5 MB` (powers of 1000). */
export function bytes(size: number): string {
  if (size < 1000) return `${size} B`
  let value = size
  let unit = ''
  for (unit of SIZES) {
    value /= 1000
    if (value < 999.95) break
  }
  return `${value.toFixed(value < 99.95 ? 1 : 0)} ${unit}`
}

/** A time in ms: `0.42 ms`, `12.3 ms`, `1.50 s`. */
export function milliseconds(time: number): string {
  if (time < 10) return `${time.toFixed(2)} ms`
  if (time < 100) return `${time.toFixed(1)} ms`
  if (time < 999.5) return `${time.toFixed(0)} ms`
  return time < 60_000 ? `${(time / 1000).toFixed(2)} s` : duration(time / 1000)
}

/** A time in seconds, its two largest units: `45s`, `3m 20s`, `2h 5m`, `4d 1h`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor(whole / 3600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'm'],
    [whole % 60, 's'],
  ]
  const first = parts.findIndex(([value]) => value > 0)
  if (first < 0) return '0s'
  const shown = parts.slice(first, first + 2).filter(([value]) => value > 0)
  return shown.map(([value, unit]) => `${value}${unit}`).join(' ')
}

/** A whole number with thin groups: `12,345`. */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ',')
}
