// How the files of a site are sent.

import type { PathPatterns } from './path-patterns.ts'

export interface StaticRules {
  readonly precompressed: boolean
  /** Cache-Control of a file; undefined for none. */
  readonly cacheControl: string | undefined
  /** Files that never change their content. */
  readonly immutable: PathPatterns
  /** Content types by extension, with its dot and in lower case. */
  readonly types: ReadonlyMap<string, string>
}
