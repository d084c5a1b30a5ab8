// Options of the server: those of the gateway, and where and how it listens.

import type { StartPhpOptions } from '@fastcgi/php'
import type { GatewayOptions } from '../options.ts'

/**
 * Where to listen: a port of this machine only (`8080`), `127.0.0.1:8080`, `[::1]:8080`, a port on every interface (`:8080`), or a unix
 * socket (`unix:/run/gateway.sock`, `/run/gateway.sock`). Port 0 takes a free one.
 */
export type ListenAddress = number | string

/** Where to listen, and how. */
export interface ListenOptions {
  readonly address: ListenAddress
  /** Permissions of a unix socket, such as `0o660`. @default what the umask leaves */
  readonly mode?: number | undefined
  /** `false` listens without TLS although `tls` is given, for instance to redirect. @default true when `tls` is given */
  readonly tls?: boolean | undefined
}

/** HTTPS: HTTP/2 and HTTP/1.1, as the client chooses (RFC 7301). */
export interface TlsOptions {
  /** The certificate and those that it is signed by: PEM, or the path of a file. Read again on reload. */
  readonly cert: string
  /** The private key: PEM, or the path of a file. */
  readonly key: string
  readonly passphrase?: string | undefined
  /** @default 'TLSv1.2' */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined
}

/** How much of a server one client may take. Slow bodies are the matter of `requestBody`, slow readers that of `response`. */
export interface ServerLimits {
  /** For a whole request head to arrive, in ms, from the first byte or the connection; then 408. `0` waits for ever. @default 20_000 */
  readonly headersTimeout?: number | undefined
  /** How long a connection is kept without a request, in ms. `0` keeps it for ever. @default 65_000, longer than load balancers do */
  readonly keepAliveTimeout?: number | undefined
  /** The largest request head, in bytes; a larger one is answered with 431. @default 32_768 (32 KiB) */
  readonly maxHeaderSize?: number | undefined
  /** How many connections are open at a time, for each listener and process; further ones are closed. `0` for no limit. @default 0 */
  readonly maxConnections?: number | undefined
  /** After how many requests a connection is closed. `0` for no limit. @default 0 */
  readonly maxRequestsPerConnection?: number | undefined
  /** How many requests one HTTP/2 connection may have under way. @default 128 */
  readonly maxConcurrentStreams?: number | undefined
}

/** What is passed on to `startPhp` of `@fastcgi/php`; see there. */
export type PhpOptions = Partial<Omit<StartPhpOptions, 'address' | 'signal'>>

/** Options of {@link serve}. */
export interface ServeOptions extends GatewayOptions {
  /** @default 8080, on this machine only */
  readonly listen?:
    | ListenAddress
    | ListenOptions
    | readonly (ListenAddress | ListenOptions)[]
    | undefined
  /** Makes HTTPS of what `listen` says. @default none */
  readonly tls?: TlsOptions | undefined
  /** HTTP/2 without TLS, for a proxy in front that speaks it; HTTP/1 is not spoken there. @default none */
  readonly h2c?: ListenAddress | ListenOptions | undefined
  /** `/livez`, `/readyz`, `/metrics` and `/status`, for those who run the server. Keep it from the public. @default none */
  readonly admin?: ListenAddress | ListenOptions | undefined
  /**
   * How many processes answer; `'auto'` takes one for each core. They run the program that calls `serve` once more, by node:cluster, and
   * each of them has the pools of its own: `connections` of a backend counts for each. @default none: this process answers
   */
  readonly workers?: number | 'auto' | undefined
  /** How long requests may take to end once the server is to close, in ms; then they are cut off. `0` waits for ever. @default 30_000 */
  readonly drainTimeout?: number | undefined
  /** Starts PHP when no `backend` is given: options of `startPhp`, or `true`. @default none */
  readonly php?: PhpOptions | boolean | undefined
  readonly limits?: ServerLimits | undefined
  /**
   * Whether the process is the server's: SIGTERM and SIGINT close it and end the process with 0, or with 1 when requests were cut off; the
   * second one cuts them off at once; SIGHUP reloads. @default false
   */
  readonly signals?: boolean | undefined
  /** Where the options for a reload by SIGHUP come from. With `workers`, it only checks them: new workers read their own. @default none */
  readonly reload?: (() => ServeOptions | Promise<ServeOptions>) | undefined
}
