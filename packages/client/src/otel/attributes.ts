// What is said about requests: OpenTelemetry's own names wherever they apply, `fastcgi.*` for what only FastCGI has.

import type { Attributes } from '@opentelemetry/api'
import type { PoolState, RequestCreateMessage } from '../diagnostics.ts'
import { isFastCGIError } from '../errors.ts'
import { parseAddress } from '../transport/address.ts'

export const Attribute = {
  AppStatus: 'fastcgi.app_status',
  ConnectionReused: 'fastcgi.connection.reused',
  ErrorType: 'error.type',
  Method: 'http.request.method',
  MethodOriginal: 'http.request.method_original',
  Path: 'url.path',
  PoolName: 'fastcgi.client.connection.pool.name',
  PoolState: 'fastcgi.client.connection.state',
  Protocol: 'network.protocol.name',
  ProtocolStatus: 'fastcgi.protocol_status',
  Query: 'url.query',
  ResendCount: 'http.request.resend_count',
  Role: 'fastcgi.role',
  ScriptFilename: 'fastcgi.script.filename',
  ServerAddress: 'server.address',
  ServerPort: 'server.port',
  StatusCode: 'http.response.status_code',
  Stderr: 'fastcgi.stderr',
  Transport: 'network.transport',
} as const

const ROLES: Readonly<Record<number, string>> = { 1: 'responder', 2: 'authorizer', 3: 'filter' }
// Those that OpenTelemetry knows: any other could be a stranger's word, of which there is no end.
const METHODS: ReadonlySet<string> = new Set(
  'CONNECT DELETE GET HEAD OPTIONS PATCH POST PUT QUERY TRACE'.split(' '),
)

/** What is the same for all requests of a pool. */
export function poolAttributes({ name, address }: PoolState): Attributes {
  const target = parseAddress(address)
  const server =
    'path' in target
      ? // An abstract socket begins with NUL; its usual spelling is @.
        { [Attribute.ServerAddress]: target.path.replace(/^\0/, '@') }
      : { [Attribute.ServerAddress]: target.host, [Attribute.ServerPort]: target.port }
  return {
    [Attribute.PoolName]: name,
    [Attribute.Transport]: 'path' in target ? 'unix' : 'tcp',
    [Attribute.Protocol]: 'fastcgi',
    ...server,
  }
}

/** The method, as something of which there are few. */
export function knownMethod(method: string): string {
  return METHODS.has(method) ? method : '_OTHER'
}

/**
 * What a sampler gets to see as well.
 * @param attributes Those of the pool, to which these are added: copies of such objects are dear.
 */
export function addRequest(
  attributes: Attributes,
  { role, param }: RequestCreateMessage,
  captureQuery: boolean,
): void {
  const method = param('REQUEST_METHOD')
  const uri = param('REQUEST_URI')
  const path = uri?.startsWith('/') ? withoutQuery(uri) : pathOf(param)
  const file = param('SCRIPT_FILENAME')
  attributes[Attribute.Role] = ROLES[role] ?? String(role)
  if (method !== undefined) {
    attributes[Attribute.Method] = knownMethod(method)
    if (!METHODS.has(method)) attributes[Attribute.MethodOriginal] = method
  }
  if (path !== undefined) attributes[Attribute.Path] = path
  if (file !== undefined) attributes[Attribute.ScriptFilename] = file
  if (!captureQuery) return
  const query = param('QUERY_STRING')
  if (query) attributes[Attribute.Query] = query
}

function withoutQuery(uri: string): string {
  const at = uri.indexOf('?')
  return at < 0 ? uri : uri.slice(0, at)
}

function pathOf(param: RequestCreateMessage['param']): string | undefined {
  const script = param('SCRIPT_NAME')
  return param('DOCUMENT_URI') ?? (script && script + (param('PATH_INFO') ?? ''))
}

/** `GET /index.php`: a script is one of few, where a path is one of many. */
export function spanName({ param }: RequestCreateMessage): string {
  const script = param('SCRIPT_NAME') ?? param('SCRIPT_FILENAME')?.replace(/^.*[\\/]/s, '')
  const method = param('REQUEST_METHOD')
  const verb = method === undefined ? 'FastCGI' : METHODS.has(method) ? method : 'HTTP'
  return script ? `${verb} ${script}` : verb
}

/** A stable word for what went wrong: our own code, or the kind of error that an abort was given. */
export function errorType(error: unknown): string {
  if (isFastCGIError(error)) return error.code
  return error instanceof Error && error.name !== '' ? error.name : '_OTHER'
}
