// What a log may show of what clients send.

/** Replaces the values of secret parameters in the query of a target or URL. */
export type Redact = (target: string) => string

/** Query parameters whose values are secrets, whatever the application. */
const SECRETS: readonly string[] = [
  'access_token',
  'api_key',
  'apikey',
  'auth',
  'authorization',
  'client_secret',
  'code',
  'credential',
  'csrf_token',
  'id_token',
  'jwt',
  'key',
  'nonce',
  'otp',
  'pass',
  'passwd',
  'password',
  'password_confirmation',
  'phpsessid',
  'private_key',
  'pwd',
  'refresh_token',
  'secret',
  'session',
  'sessionid',
  'sid',
  'sig',
  'signature',
  'state',
  'token',
  'x_amz_credential',
  'x_amz_security_token',
  'x_amz_signature',
]

const REDACTED = '[redacted]'

/** @param names Instead of the names that are secrets by default. */
export function redactor(names: readonly string[] = SECRETS): Redact {
  const secrets = new Set(names.map(plainName))
  const isSecret = (name: string): boolean =>
    // `user[password]` is the password of a user: every part of the name counts.
    decoded(name)
      .split(/[[\]]/)
      .some((part) => secrets.has(plainName(part)))
  return (target) => {
    const start = target.indexOf('?')
    if (start < 0) return target
    const pairs = target.slice(start + 1).split('&')
    return `${target.slice(0, start)}?${pairs.map((pair) => redactPair(pair, isSecret)).join('&')}`
  }
}

/** Text of others on one line of a log, and without what could rewrite a terminal. */
export function oneLine(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what it looks for
  return text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]/g, (char) => {
    const code = char.charCodeAt(0).toString(16)
    return char < '\u0100' ? `\\x${code.padStart(2, '0')}` : `\\u${code}`
  })
}

function redactPair(pair: string, isSecret: (name: string) => boolean): string {
  const equals = pair.indexOf('=')
  if (equals < 0 || !isSecret(pair.slice(0, equals))) return pair
  return `${pair.slice(0, equals)}=${REDACTED}`
}

/** PHP takes `api.key`, `api key` and `api_key` for one name. */
function plainName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '')
}

function decoded(name: string): string {
  // Byte by byte, so that a malformed escape elsewhere in the name hides nothing.
  return name.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}
