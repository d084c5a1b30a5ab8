// How answers are given: the options, checked, with every value given.

import { checkFlag, refuseUnknown, text, texts, wholeNumber, within } from '../checks.ts'
import type { CompressOptions, ResponseOptions } from '../options.ts'

export interface ResponseRules {
  /** In bytes. */
  readonly memory: number
  /** In bytes. */
  readonly maxFile: number
  readonly directory: string | undefined
  /** In ms; 0 for no limit. */
  readonly timeout: number
  /** Undefined: nothing is compressed. */
  readonly compress: CompressRules | undefined
}

export interface CompressRules {
  /** In bytes. */
  readonly minSize: number
  /** Whether bodies of that content type, in lower case and without its parameters, are worth it. */
  readonly isWorthIt: (type: string) => boolean
}

const NAMES = [
  'memory',
  'maxFile',
  'directory',
  'timeout',
  'compress',
] as const satisfies readonly (keyof ResponseOptions)[]

const TYPES: readonly string[] = [
  'text/*',
  'application/javascript',
  'application/json',
  'application/ld+json',
  'application/manifest+json',
  'application/problem+json',
  'application/rss+xml',
  'application/atom+xml',
  'application/wasm',
  'application/xhtml+xml',
  'application/xml',
  'application/x-javascript',
  'image/bmp',
  'image/svg+xml',
  'image/x-icon',
  'image/vnd.microsoft.icon',
  'font/otf',
  'font/ttf',
  'application/vnd.ms-fontobject',
]

/** @throws TypeError that names the field and what it takes. */
export function checkResponse(options: ResponseOptions = {}): ResponseRules {
  return within('response', () => {
    refuseUnknown(options, NAMES)
    const { directory, compress = true } = options
    return {
      memory: wholeNumber('memory', options.memory ?? 256 * 1024),
      maxFile: wholeNumber('maxFile', options.maxFile ?? 1024 * 1024 * 1024),
      directory: directory === undefined ? undefined : text('directory', directory),
      timeout: wholeNumber('timeout', options.timeout ?? 60_000),
      compress:
        typeof compress === 'object'
          ? within('compress', () => checkCompress(compress))
          : checkFlag('compress', compress)
            ? checkCompress({})
            : undefined,
    }
  })
}

function checkCompress(options: CompressOptions): CompressRules {
  refuseUnknown(options, ['minSize', 'types'] satisfies (keyof CompressOptions)[])
  const minSize = wholeNumber('minSize', options.minSize ?? 1024)
  const types = new Set(texts('types', options.types ?? TYPES).map((type) => type.toLowerCase()))
  return {
    minSize,
    isWorthIt: (type) => types.has(type) || types.has(`${type.split('/', 1)[0]}/*`),
  }
}
