// What there is on the disk, looked at through the URL's eyes.

/** A file or a folder. */
export interface FileEntry {
  readonly kind: 'file' | 'directory'
  /** In bytes. */
  readonly size: number
  /** Last change, in ms since 1970. */
  readonly modified: number
}

/** Looks at a decoded path (each character one byte) below a root; undefined when nothing is there, or nothing that may be seen. */
export type Lookup = (path: string) => FileEntry | undefined

export interface FileTree {
  readonly look: Lookup
}
