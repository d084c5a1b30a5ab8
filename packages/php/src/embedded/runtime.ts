// One embedded PHP, set up to behave like the one that it stands in for.

import { readdirSync, statSync } from 'node:fs'
import process from 'node:process'
import { posix } from 'node:path'
import type { EmbeddedConfig } from './config.ts'
import { loadPhp, type EmscriptenFs, type PhpInstance, type PhpRunning } from './php-wasm.ts'

const PHP_INI = '/internal/shared/php.ini'
const PREPEND = '/internal/shared/fastcgi.php'
/** Folders that belong to the runtime itself, or mean another machine's devices. */
const NOT_SHARED = new Set(['dev', 'proc', 'sys', 'internal', 'request'])
// As php.ini-production has it: errors are for the log, and uploads end somewhere. Connections to elsewhere crash this PHP, so that
// applications, which look for these functions, must not find them.
const DEFAULT_INI = `
display_errors = 0
display_startup_errors = 0
html_errors = 0
log_errors = 1
upload_max_filesize = 128M
post_max_size = 128M
allow_url_fopen = 0
disable_functions = fsockopen,pfsockopen,stream_socket_client,curl_init,curl_exec,curl_multi_init,curl_multi_exec
`
// php-wasm makes HTTPS "off" where there is none, and "on" of whatever it is told; this has the last word.
const PREPEND_CODE = `<?php
if (isset($_SERVER['FCGI_HTTPS'])) {
    if ($_SERVER['FCGI_HTTPS'] === '') unset($_SERVER['HTTPS']);
    else $_SERVER['HTTPS'] = $_SERVER['FCGI_HTTPS'];
    unset($_SERVER['FCGI_HTTPS']);
}
`

/** Loads PHP with the host's files at their own paths. */
export async function createPhp(config: EmbeddedConfig): Promise<PhpInstance> {
  const php = await loadPhp(config.modules, config.env)
  await php.setSapiName('fpm-fcgi')
  for (const { at, root } of mountPoints()) {
    php.mkdir(at)
    await php.mount(at, (_php, fs) => {
      keepUmask(fs)
      fs.mount(fs.filesystems.NODEFS, { root }, at)
      return () => fs.unmount(at)
    })
  }
  const prepended = /^auto_prepend_file = (['"])(.+)\1$/m.exec(config.ini)?.[2]
  php.writeFile(PREPEND, PREPEND_CODE + (prepended ? `require ${phpString(prepended)};\n` : ''))
  const ini = `${php.readFileAsText(PHP_INI)}${DEFAULT_INI}${config.ini}auto_prepend_file = ${PREPEND}\n`
  php.writeFile(PHP_INI, ini)
  await php.runStream({ code: '<?php' }).then(({ exitCode }) => exitCode)
  return php
}

/** The path by which PHP knows a file of the host: the same, except on Windows, where drives are folders. */
export function pathInPhp(path: string): string {
  return process.platform === 'win32' ? posix.join('/', path.replaceAll('\\', '/')) : path
}

/** Starts a script with what is known of its request. */
export function runScript(
  php: PhpInstance,
  script: string,
  params: ReadonlyMap<string, string>,
  body: Uint8Array,
): Promise<PhpRunning> {
  php.chdir(posix.dirname(script))
  const query = params.get('QUERY_STRING') ?? ''
  const name = params.get('SCRIPT_NAME') ?? ''
  return php.runStream({
    scriptPath: script,
    // Only its query counts: REQUEST_URI itself comes with the params.
    relativeUri: query === '' ? '/' : `/?${query}`,
    method: params.get('REQUEST_METHOD') ?? 'GET',
    headers: sapiHeaders(params, body.length),
    $_SERVER: {
      REQUEST_URI: '',
      PHP_SELF: name + (params.get('PATH_INFO') ?? ''),
      ...Object.fromEntries(params),
      ...credentials(params.get('HTTP_AUTHORIZATION') ?? ''),
      SCRIPT_FILENAME: script,
      FCGI_HTTPS: params.get('HTTPS') ?? '',
    },
    ...(body.length > 0 && { body }),
  })
}

/** What PHP makes of an Authorization header, and php-wasm does not. */
function credentials(authorization: string): Record<string, string> {
  const [, scheme = '', value = ''] = /^(basic|digest) +(.*)$/i.exec(authorization) ?? []
  if (scheme.toLowerCase() === 'digest') return { PHP_AUTH_DIGEST: value }
  const text = Buffer.from(value, 'base64').toString()
  const colon = text.indexOf(':')
  if (scheme === '' || colon < 0) return {}
  return { PHP_AUTH_USER: text.slice(0, colon), PHP_AUTH_PW: text.slice(colon + 1) }
}

/** The headers that PHP itself looks at; all others are only $_SERVER. */
function sapiHeaders(params: ReadonlyMap<string, string>, length: number): Record<string, string> {
  const cookie = params.get('HTTP_COOKIE')
  const type = params.get('CONTENT_TYPE')
  return {
    // Without a host php-wasm invents one.
    host: params.get('HTTP_HOST') ?? params.get('SERVER_NAME') ?? 'localhost',
    ...(cookie && { cookie }),
    ...(type && { 'content-type': type }),
    ...(length > 0 && { 'content-length': String(length) }),
  }
}

const kept = new WeakSet<EmscriptenFs>()

/** Emscripten gives a new file the very mode that was asked for, 0666, where every system takes the umask away. */
function keepUmask(fs: EmscriptenFs): void {
  if (kept.has(fs)) return
  kept.add(fs)
  const open = fs.open.bind(fs)
  const umask = process.umask()
  fs.open = (path, flags, mode = 0o666, ...more) => open(path, flags, mode & ~umask, ...more)
}

/** Everything that this process can see, as for every other PHP. */
function mountPoints(): { at: string; root: string }[] {
  if (process.platform === 'win32') {
    const drives = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'.split('')
    return drives.map((drive) => ({ at: `/${drive}:`, root: `${drive}:\\` })).filter(isFolder)
  }
  return readdirSync('/')
    .filter((name) => !NOT_SHARED.has(name))
    .map((name) => ({ at: `/${name}`, root: `/${name}` }))
    .filter(isFolder)
}

function isFolder({ root }: { root: string }): boolean {
  return statSync(root, { throwIfNoEntry: false })?.isDirectory() ?? false
}

function phpString(text: string): string {
  return `'${text.replaceAll(/['\\]/g, '\\$&')}'`
}
