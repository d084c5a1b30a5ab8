// The law of ARCHITECTURE.md as data. Who changes the architecture changes this table with it.

/** Which floors of @fastcgi/client a floor may import. A floor may always import itself. */
const GROUND = ['errors', 'diagnostics']
const WIRE = [...GROUND, 'protocol', 'transport']
const SIDE_DOOR = [...WIRE, 'connection', 'client', 'http']

/** @type {Record<string, string[]>} */
export const FLOORS = {
  errors: [],
  diagnostics: [],
  protocol: GROUND,
  transport: GROUND,
  connection: WIRE,
  client: [...WIRE, 'connection'],
  // `http` never opens a socket, hence no transport.
  http: [...GROUND, 'protocol', 'connection', 'client'],
  sockets: [...WIRE, 'connection', 'client'],
  index: [...WIRE, 'connection', 'client', 'http', 'sockets', 'web'],
  web: [...WIRE, 'connection', 'client', 'http'],
  // Listens on diagnostics channels, and touches nothing that it hears of.
  otel: [...GROUND, 'transport', 'connection'],
  responder: SIDE_DOOR,
  testing: [...SIDE_DOOR, 'responder'],
  undici: [...SIDE_DOOR, 'index'],
}

/** Floors that are entered by their index.ts only. */
export const DOORS = new Set(['protocol', 'http', 'otel', 'responder', 'testing', 'undici'])

/** The one floor that may import an optional peer of @fastcgi/client; nobody else needs it to be installed. */
/** @type {Record<string, string>} */
export const CLIENT_PEERS = { '@opentelemetry/api': 'otel', undici: 'undici' }

/** Packages from the bottom up: each may import those before it, by name. */
export const PACKAGES = ['client', 'php', 'gateway', 'cli']
export const SCOPE = '@fastcgi/'

/** What would give protocol/ time, input or output, or a runtime to depend on. */
export const FORBIDDEN_IN_PROTOCOL = new Set([
  'async',
  'await',
  'Promise',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'console',
  'Buffer',
  'process',
  'performance',
  'Date',
])

/** Doors behind which nothing imports a module of Node, so that runtimes without them can enter. */
export const WEB_DOORS = ['web', 'http/index', 'protocol/index'].map(
  (door) => `packages/client/src/${door}.ts`,
)

/** The only file that imports node:net. */
export const SOCKET_FILE = 'packages/client/src/transport/node.ts'

/** The only package that prints. */
export const PRINTING_PACKAGE = 'cli'
