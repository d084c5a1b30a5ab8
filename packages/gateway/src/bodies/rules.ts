// How request bodies are taken: the options, checked, with every value given.

import { refuseUnknown, shown, text, wholeNumber, within } from '../checks.ts'
import type { RequestBodyOptions } from '../options.ts'

export interface RequestBodyRules {
  readonly mode: 'buffer' | 'stream'
  /** In bytes; 0 for no limit. */
  readonly maxSize: number
  /** In bytes. */
  readonly memory: number
  /** Of all bodies together, in bytes. */
  readonly totalMemory: number
  readonly directory: string | undefined
  /** In ms; 0 for no limit. */
  readonly timeout: number
  /** In bytes per second; 0 for no limit. */
  readonly minRate: number
}

const NAMES = [
  'mode',
  'maxSize',
  'memory',
  'totalMemory',
  'directory',
  'timeout',
  'minRate',
] as const satisfies readonly (keyof RequestBodyOptions)[]

/** @throws TypeError that names the field and what it takes. */
export function checkRequestBody(options: RequestBodyOptions = {}): RequestBodyRules {
  return within('requestBody', () => {
    refuseUnknown(options, NAMES)
    const { mode = 'buffer', directory } = options
    if (mode !== 'buffer' && mode !== 'stream') {
      throw new TypeError(`mode must be 'buffer' or 'stream', not ${shown(mode)}`)
    }
    return {
      mode,
      maxSize: wholeNumber('maxSize', options.maxSize ?? 128 * 1024 * 1024),
      memory: wholeNumber('memory', options.memory ?? 2 * 1024 * 1024),
      totalMemory: wholeNumber('totalMemory', options.totalMemory ?? 64 * 1024 * 1024),
      directory: directory === undefined ? undefined : text('directory', directory),
      timeout: wholeNumber('timeout', options.timeout ?? 30_000),
      minRate: wholeNumber('minRate', options.minRate ?? 64),
    }
  })
}
