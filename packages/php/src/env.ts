// Which of this process's environment variables the processes it starts get.

// What concerns the Node that runs us: inspectors, loaders and channels that another process must not open again.
const OURS = [
  'NODE_OPTIONS',
  'NODE_CHANNEL_FD',
  'NODE_CHANNEL_SERIALIZATION_MODE',
  'NODE_UNIQUE_ID',
  'NODE_TEST_CONTEXT',
]
// What php-fpm and php-cgi would take for orders to themselves.
const THEIRS = [
  'FPM_SOCKETS',
  'PHP_FCGI_CHILDREN',
  'PHP_FCGI_MAX_REQUESTS',
  'FCGI_WEB_SERVER_ADDRS',
]

/** The environment of another Node. */
export function runtimeEnv(env: NodeJS.ProcessEnv): Record<string, string> {
  return without(env, OURS)
}

/** The environment of PHP: this process's, then `extra`; an empty value in `extra` removes a variable. */
export function phpEnv(
  env: NodeJS.ProcessEnv,
  extra: Readonly<Record<string, string>>,
): Record<string, string> {
  return without({ ...without(env, [...OURS, ...THEIRS]), ...extra }, emptyNames(extra))
}

function emptyNames(env: Readonly<Record<string, string>>): string[] {
  return Object.keys(env).filter((name) => env[name] === '')
}

function without(env: NodeJS.ProcessEnv, names: readonly string[]): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !names.includes(name)) kept[name] = value
  }
  return kept
}
