// The part of Bun that is used here: its types are not depended on by those of this package.

/** Bun's Request. */
export interface BunRequest extends Request {
  readonly headers: BunHeaders
}

export interface BunHeaders extends Headers {
  /** All fields, names in lower case, in one call. `set-cookie` is a list. */
  toJSON(): Record<string, string | string[]>
}

/** What Bun.serve returns, and hands to `fetch` as the second argument. */
export interface BunServer {
  /** Undefined on a unix socket. */
  readonly port?: number | undefined
  /** Undefined on a unix socket. */
  readonly hostname?: string | undefined
  readonly url: URL
  /** Null on a unix socket, and when the client is gone. */
  requestIP(request: Request): { readonly address: string; readonly port: number } | null
  /** @param seconds Up to 255, for as long as the connection is silent. */
  timeout(request: Request, seconds: number): void
}
