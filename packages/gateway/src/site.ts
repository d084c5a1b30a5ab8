// A site as the handlers see it: what its options come to, checked and made ready once.

import type { Executor } from '@fastcgi/client'
import type { FileTree } from './files.ts'
import type { ResolveRules } from './resolve.ts'
import type { SiteParams } from './script-params.ts'
import type { StaticRules } from './static-rules.ts'

export interface Site {
  /** For logs and metrics: the first host, and the path of the route. */
  readonly name: string
  /** The part of the path that is not below the root: `/blog`, or nothing. */
  readonly base: string
  /** What there is below the root; undefined for a site without files on this machine. */
  readonly files: FileTree | undefined
  readonly rules: ResolveRules
  /** How files are sent; undefined when none are. */
  readonly static: StaticRules | undefined
  /** Where the application may send files from: the prefix of the path it says, and the folder. */
  readonly sendFileRoots: ReadonlyMap<string, FileTree>
  readonly backend: Backend | undefined
  readonly headers: readonly (readonly [string, string])[]
  /** For the document root as it is at this moment. */
  params(): SiteParams
}

export interface Backend {
  /** For logs and metrics: its name, or its address. */
  readonly name: string
  readonly executor: Executor
}
