// `--print-config`: what a configuration file and flags come to, for people and programs to read. Without what is secret.

import type { ServeOptions } from '@fastcgi/gateway'

const SECRET: ReadonlySet<string> = new Set(['key', 'passphrase', 'unsafeParams', 'env'])

/** JSON; functions and objects with methods are shown by what they are. */
export function printableConfig(options: ServeOptions): string {
  return JSON.stringify(
    options,
    (name, value: unknown) => {
      if (typeof value === 'function') return '[function]'
      if (SECRET.has(name) && !isPath(value)) return '[secret]'
      return isInstance(value) ? `[${value.constructor.name}]` : value
    },
    2,
  )
}

/** The path of a key is no secret, its PEM is. */
function isPath(value: unknown): boolean {
  return typeof value === 'string' && value.startsWith('/') && !value.includes('\n')
}

function isInstance(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype !== Object.prototype && prototype !== null
}
