// Conditional requests (RFC 9110 §13): what the client already has, and whether it is still right.

import fresh from 'fresh'
import type { FileEntry } from './files.ts'
import type { Incoming } from './http.ts'

/** What an answer says of its version. */
export interface Validators {
  readonly etag: string
  /** As HTTP writes dates. */
  readonly lastModified: string
}

/**
 * The validators of a file: its time of change, as exactly as the disk tells, and its size. Not its inode and the like: several servers
 * with the same release give the same. A compressed form says which it is, because a strong tag stands for bytes.
 *
 * The tag is a strong one, so that a download can go on where it stopped (`If-Range` takes no weak one). Only while the last change is less
 * than a second ago is it weak: within one tick of the file system's clock there may be another change that it does not show.
 */
export function validatorsOf(entry: FileEntry, encoding: string | undefined): Validators {
  const now = Date.now()
  const version = `${Math.round(entry.modified * 1000).toString(36)}-${entry.size.toString(36)}`
  const tag = encoding === undefined ? `"${version}"` : `"${version}-${encoding}"`
  return {
    etag: now - entry.modified < 1000 ? `W/${tag}` : tag,
    // Never later than the answer itself (RFC 9110 §8.8.2.1).
    lastModified: new Date(Math.min(entry.modified, now)).toUTCString(),
  }
}

/** What becomes of the request before its method does anything, in the order of RFC 9110 §13.2.2; undefined: it goes on. */
export function precondition(request: Incoming, validators: Validators): 304 | 412 | undefined {
  const match = request.header('if-match')
  const unmodifiedSince = request.header('if-unmodified-since')
  if (match !== undefined) {
    if (!matchesStrongly(match, validators.etag)) return 412
  } else if (unmodifiedSince !== undefined) {
    if (Date.parse(validators.lastModified) > Date.parse(unmodifiedSince)) return 412
  }
  return isFresh(request, validators) ? 304 : undefined
}

/** Whether a `Range` counts: the client has the rest of this version, not of another one (RFC 9110 §13.1.5). */
export function rangeCounts(request: Incoming, { etag, lastModified }: Validators): boolean {
  const condition = request.header('if-range')
  if (condition === undefined) return true
  // While the tag is weak, so is the date.
  if (etag.startsWith('W/')) return false
  return condition.includes('"') ? condition === etag : condition === lastModified
}

function isFresh(request: Incoming, { etag, lastModified }: Validators): boolean {
  const noneMatch = request.header('if-none-match')
  const modifiedSince = request.header('if-modified-since')
  if (noneMatch === undefined && modifiedSince === undefined) return false
  const asked = {
    'if-none-match': noneMatch,
    'if-modified-since': modifiedSince,
    'cache-control': request.header('cache-control'),
  }
  return fresh(asked, { etag, 'last-modified': lastModified })
}

function matchesStrongly(list: string, etag: string): boolean {
  if (list.trim() === '*') return true
  return !etag.startsWith('W/') && list.split(',').some((tag) => tag.trim() === etag)
}
