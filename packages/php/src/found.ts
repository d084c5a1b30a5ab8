// What a search for PHP gives back.

import type { BackendKind } from './options.ts'

/** A PHP that was found. */
export interface PhpFound {
  readonly kind: BackendKind
  /** The path of the program, or of the embedded PHP's package. */
  readonly program: string
  /** As far as its name tells: `8.2`, `8.4.25`. */
  readonly version: string | undefined
  /** Where it was found: `PHP_FPM`, `PATH`, a folder, or a package. */
  readonly origin: string
  /** Why it cannot be used; undefined when nothing speaks against it. */
  readonly problem: string | undefined
}
