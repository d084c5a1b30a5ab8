// The request-target as programs in front write it -> origin form, and what of it belongs to whoever the gateway is mounted in.

/** A request-target in origin form. */
export interface Target {
  readonly target: string
  /** The host that an absolute form names: it replaces Host (RFC 9112 §3.2.2). */
  readonly authority: string | undefined
}

/** Reduces `http://host/path` to `/path`. Whatever is neither form stays as it is, for the gateway to refuse. */
export function readTarget(url: string): Target {
  if (url.startsWith('/')) return { target: url, authority: undefined }
  const absolute = /^https?:\/\/([^/?#]+)([^#]*)$/i.exec(url)
  if (!absolute) return { target: url, authority: undefined }
  const [, authority, rest = ''] = absolute
  return { target: rest.startsWith('/') ? rest : `/${rest}`, authority }
}

/** What Express and Connect add to a request when they pass it on to something that is mounted below a path. */
export interface MountedRequest {
  readonly url?: string | undefined
  /** The target as it came. */
  readonly originalUrl?: string | undefined
  /** The part of the path that was taken off `url`. Express only. */
  readonly baseUrl?: string | undefined
}

/** Puts the target of a mounted request together again. */
export function mountedTarget(request: MountedRequest): { target: string; base: string } {
  const { url = '', originalUrl, baseUrl } = request
  if (originalUrl === undefined || originalUrl === url) return { target: url, base: '' }
  const base = typeof baseUrl === 'string' ? baseUrl : baseOf(originalUrl, url)
  // `/blog?x` becomes `/?x` below `/blog`: the slash is the router's, not the client's.
  const asked = originalUrl === base + url || originalUrl === base + url.replace(/^\//, '')
  return { target: asked ? originalUrl : base + url, base }
}

function baseOf(originalUrl: string, url: string): string {
  if (originalUrl.endsWith(url)) return originalUrl.slice(0, -url.length)
  const bare = url.replace(/^\/(?=\?|$)/, '')
  if (bare !== url && originalUrl.endsWith(bare)) {
    return originalUrl.slice(0, originalUrl.length - bare.length)
  }
  // Rewritten on the way: nothing says where the mount point ends.
  return ''
}
