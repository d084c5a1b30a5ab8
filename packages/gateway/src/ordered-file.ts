// X-Accel-Redirect and X-Sendfile -> a file in one of the folders that the options allow. Pure, but for the look at the files.

import { decodePath } from '@fastcgi/client/http'
import { byteStringOf } from './bytes.ts'
import type { FileTree } from './files.ts'
import type { Orders } from './reply-head.ts'

/** A file that the application may send. */
export interface OrderedFile {
  readonly tree: FileTree
  /** A byte string, below the root of the tree. */
  readonly path: string
}

/** @returns undefined when no folder holds it, or nothing is there. */
export function orderedFile(
  roots: ReadonlyMap<string, FileTree>,
  { redirectTo, sendFile }: Orders,
): OrderedFile | undefined {
  for (const [prefix, tree] of roots) {
    const path =
      redirectTo === undefined ? below(sendFile, folderOf(tree)) : below(pathOf(redirectTo), prefix)
    if (path !== undefined && tree.look(path)?.kind === 'file') return { tree, path }
  }
  return undefined
}

/** As the bytes of a header name it. */
function folderOf({ root }: FileTree): string {
  return `${byteStringOf(root).replace(/\/+$/, '')}/`
}

/** It is a path of a URL: decoded once, and without a way out (RFC 3986 §5.2.4). */
function pathOf(location: string): string | undefined {
  try {
    return decodePath(location.split('?', 1)[0] ?? '')
  } catch {
    return undefined
  }
}

function below(path: string | undefined, folder: string): string | undefined {
  if (path === undefined || !path.startsWith(folder)) return undefined
  const rest = path.slice(folder.length)
  return /(?:^|\/)\.{1,2}(?:\/|$)|\0/.test(rest) ? undefined : `/${rest}`
}
