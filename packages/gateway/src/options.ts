// Every option of the gateway: what it does, its unit, its default. The same object is what a configuration file exports.

import type { Executor, Params, PoolOptions } from '@fastcgi/client'
import type { Middleware } from './exchange.ts'
import type { Logger } from './logger.ts'

/** A backend: an address (`unix:/run/php/php-fpm.sock`, `127.0.0.1:9000`), an address with the options of its pool, or an executor. */
export type BackendOptions = string | (PoolOptions & { readonly address: string }) | Executor

/** Names of the presets: options for well-known applications. */
export type PresetName = 'wordpress' | 'laravel' | 'symfony' | 'drupal'

/** Options of {@link createGateway}. What is said here holds for every site that does not say otherwise. */
export interface GatewayOptions extends SiteOptions {
  /** Sites of their own, chosen by the host that is asked for. @default none: one site answers for every host */
  readonly sites?: readonly HostOptions[] | undefined
  /** Backends by a name, so that sites and routes can share one. @default none */
  readonly backends?: Readonly<Record<string, BackendOptions>> | undefined
  /**
   * Which proxies in front may say who the client is, in X-Forwarded-For, -Proto, -Host and -Port: `'loopback'`, `'linklocal'`,
   * `'uniquelocal'`, addresses, networks (`10.0.0.0/8`), or the number of proxies in front. @default none: those headers are not believed
   */
  readonly trustProxy?: string | readonly string[] | number | undefined
  /** How request bodies are taken. */
  readonly requestBody?: RequestBodyOptions | undefined
  /** How answers are given. */
  readonly response?: ResponseOptions | undefined
  /**
   * `true` shows failures where they happen: PHP's stderr and the cause on the error page. Never on a public server. @default false
   */
  readonly development?: boolean | undefined
  /** Gets warnings and failures with their causes. @default nobody */
  readonly logger?: Logger | undefined
  /** The access log; `true` writes it to the logger, at level info. @default false */
  readonly accessLog?: boolean | AccessLogOptions | undefined
  /** Further middlewares, the outermost first. They run once the client and the path are known, outside of compression. @default none */
  readonly use?: readonly Middleware[] | undefined
}

/** A site that answers for some hosts. */
export interface HostOptions extends SiteOptions {
  /** Host names; `*.example.org` stands for every name below example.org. */
  readonly hosts: readonly string[]
}

/** A part of a site, by its path. */
export interface RouteOptions extends Omit<SiteOptions, 'routes'> {
  /**
   * `/blog` answers for `/blog` and everything below it. With a `root` of its own, the rest of the path is looked for in that root
   * (`/blog/a.php` is `a.php` there); without one, the whole path is looked for in the root of the site.
   */
  readonly path: string
}

/** What answers, and from which files. */
export interface SiteOptions {
  /** The document root, an absolute path on this machine. */
  readonly root?: string | undefined
  /**
   * Options for a well-known application in this root; what is given beside it counts more, and adds to `deny` and `noScripts`. An
   * application in a folder below the root needs a route with a root of its own. @default none
   */
  readonly preset?: PresetName | undefined
  /** Where PHP runs: a name from `backends`, an address, or an executor. */
  readonly backend?: BackendOptions | undefined
  /**
   * The document root as the backend sees it, when that is another one: in a container, in a chroot. Then symlinks are left for the backend
   * to follow. @default the real path of `root`
   */
  readonly backendRoot?: string | undefined
  /**
   * What answers for a folder, the first that there is. A folder that has none of them counts as not there.
   * @default ['index.php', 'index.html']
   */
  readonly index?: readonly string[] | undefined
  /**
   * The script that answers for what is no file; `false` makes that a 404. @default '/index.php'
   */
  readonly frontController?: string | false | undefined
  /**
   * Where a path is looked for, in this order, as nginx has it: `['$path', '$path/', '$path.html']`. The front controller comes after it.
   * @default ['$path', '$path/']
   */
  readonly tryFiles?: readonly string[] | undefined
  /** The only scripts that may run, as SCRIPT_NAME: `['/index.php']`; any other is 404. @default every script below the root */
  readonly scripts?: readonly string[] | undefined
  /** Which files are scripts, with the dot and in lower case. They are never sent as files, nor are copies of them. @default ['.php'] */
  readonly scriptExtensions?: readonly string[] | undefined
  /** Whether a path may go on behind its script: `/app.php/users/1`. @default true */
  readonly pathInfo?: boolean | undefined
  /**
   * Paths that nobody gets, beside those that are always denied (dotfiles, but for `/.well-known/`, and what editors and PHP leave behind).
   * `/config/**` is a folder of the root with all that is in it, `*.sql` a name in any folder; `*` stands for anything but a slash. The
   * case of letters does not count. What is denied is denied behind a script, too: `/index.php/config/x`. @default none
   */
  readonly deny?: readonly string[] | undefined
  /** Where no script runs, such as folders for uploads: `/wp-content/uploads/**`. Patterns as for `deny`. @default none */
  readonly noScripts?: readonly string[] | undefined
  /** Static files; `false` sends none. @default {} */
  readonly static?: StaticOptions | false | undefined
  /** `false` refuses files whose real path is outside of the root. @default true, because releases and uploads are symlinked */
  readonly followSymlinks?: boolean | undefined
  /**
   * Folders that the application, and only it, may send files from by X-Accel-Redirect or X-Sendfile: the path it says, and the folder.
   * @default none: such headers are dropped @example { '/protected/': '/srv/files/' }
   */
  readonly sendFileRoots?: Readonly<Record<string, string>> | undefined
  /** Further params for every request, which no client can change. @default none */
  readonly params?: Params | undefined
  /** PHP_VALUE and others by which PHP runs or reads whatever they name. Never from a client's data. @default none */
  readonly unsafeParams?: Params | undefined
  /** SERVER_NAME. @default the host that is asked for */
  readonly serverName?: string | undefined
  /** Whether `Authorization` is passed on. @default true */
  readonly authorization?: boolean | undefined
  /** Header names with `_`, `.` and the like that are passed on all the same, in lower case. @default none */
  readonly unsafeHeaderNames?: readonly string[] | undefined
  /** Further headers for every answer of this site, files and error pages included, unless the script has set them. @default none */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Parts of this site with options of their own, by their path; the longest that fits counts. @default none */
  readonly routes?: readonly RouteOptions[] | undefined
}

/** How static files are sent. */
export interface StaticOptions {
  /** Cache-Control: max-age, in seconds. @default none: no Cache-Control */
  readonly maxAge?: number | undefined
  /** Paths that never change their content, such as `/build/assets/**`; they get `immutable` and a year. @default none */
  readonly immutable?: readonly string[] | undefined
  /** Sends `file.br`, `file.zst` or `file.gz` in place of `file` to who takes them. @default true */
  readonly precompressed?: boolean | undefined
  /** Content types by extension, for what is not known. @default none @example { '.wasm': 'application/wasm' } */
  readonly types?: Readonly<Record<string, string>> | undefined
}

/** How request bodies are taken. */
export interface RequestBodyOptions {
  /**
   * `buffer` takes a body to its end before a PHP worker is asked for, so that no slow upload holds one; `stream` passes it on as it comes.
   * A body without Content-Length is buffered either way, because PHP needs its length first. @default 'buffer'
   */
  readonly mode?: 'buffer' | 'stream' | undefined
  /** The largest body, in bytes; a larger one is answered with 413. `0` for no limit. @default 134_217_728 (128 MiB) */
  readonly maxSize?: number | undefined
  /**
   * How much of a body is kept in memory before it goes to a file, in bytes. The default is what PHP takes as one upload by default
   * (`upload_max_filesize`). @default 2_097_152 (2 MiB)
   */
  readonly memory?: number | undefined
  /**
   * How much all bodies of the gateway keep in memory together, in bytes. While it is used up, a body of more than 16 KiB goes to a file.
   * @default 67_108_864 (64 MiB)
   */
  readonly totalMemory?: number | undefined
  /** The folder for temporary files. @default the system's */
  readonly directory?: string | undefined
  /** How long a body may stand still, in ms; then it is answered with 408. `0` waits for ever. @default 30_000 */
  readonly timeout?: number | undefined
  /** How slow a body may come on average, in bytes per second, once `timeout` has passed; then it is answered with 408. @default 64 */
  readonly minRate?: number | undefined
}

/** How answers are given. */
export interface ResponseOptions {
  /** How much of an answer is kept in memory for a slow client before it goes to a file, in bytes. @default 262_144 (256 KiB) */
  readonly memory?: number | undefined
  /**
   * How much of an answer is kept in a temporary file, so that a slow client does not hold a PHP worker, in bytes; beyond it PHP waits.
   * @default 1_073_741_824 (1 GiB)
   */
  readonly maxFile?: number | undefined
  /** The folder for temporary files. @default the system's */
  readonly directory?: string | undefined
  /**
   * How long a client may take nothing, in ms; then it is disconnected. What the system still holds for the client counts as taken. `0`
   * waits for ever. @default 60_000
   */
  readonly timeout?: number | undefined
  /** Compresses text that PHP did not. @default true */
  readonly compress?: boolean | CompressOptions | undefined
}

/** What is compressed. */
export interface CompressOptions {
  /** The smallest body that is worth it, in bytes, where its length is known. @default 1024 */
  readonly minSize?: number | undefined
  /** Content types; `text/*` stands for all of them. @default text, JSON, JavaScript, XML, SVG, fonts that are not compressed */
  readonly types?: readonly string[] | undefined
}

/** What the access log says. */
export interface AccessLogOptions {
  /** Gets each entry. @default the logger, at level info */
  readonly write?: ((entry: AccessLogEntry) => void) | undefined
  /** Names of query parameters whose values are replaced, in lower case. @default names of passwords, tokens, keys, signatures and codes */
  readonly redact?: readonly string[] | undefined
}

/** One request in the access log. */
export interface AccessLogEntry {
  /** ISO 8601, in UTC, when the request came. */
  readonly time: string
  readonly remote: string
  readonly method: string
  readonly host: string
  /** Path and query, as they came, the values of redacted parameters replaced. */
  readonly target: string
  readonly protocol: string
  /** 0 when the client went away before there was one. */
  readonly status: number
  /** Bytes of body that went out, before the framing of HTTP. */
  readonly bytes: number
  /** In ms, from the request's head to the end of the answer. */
  readonly duration: number
  /** `complete`, `aborted` when the answer was cut off by a failure, `closed` when the client went away. */
  readonly outcome: 'complete' | 'aborted' | 'closed'
  readonly userAgent?: string | undefined
  readonly referrer?: string | undefined
  readonly [field: string]: string | number | boolean | undefined
}
