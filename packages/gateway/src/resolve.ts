// URL path -> what answers, as data. Pure: the file system comes in as a function.

import type { ScriptPath } from '@fastcgi/client/http'
import type { FileEntry } from './files.ts'

/** What the options of a site come to, for this decision. */
export interface ResolveRules {
  readonly index: readonly string[]
  readonly frontController: string | false
}

/** What answers. Paths are byte strings, below the site's root. */
export type Resolution =
  | { readonly type: 'file'; readonly path: string; readonly entry: FileEntry }
  | { readonly type: 'script'; readonly script: ScriptPath }
  /** To the same path with a slash at its end; the query stays. */
  | { readonly type: 'redirect'; readonly path: string }
  | { readonly type: 'none'; readonly status: 403 | 404; readonly reason: string }
