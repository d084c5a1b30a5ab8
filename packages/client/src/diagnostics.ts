// Names of the diagnostics channels, and what is published on them. Nothing is built or published when nobody listens.

/** The part of node:diagnostics_channel that is used; present in Node, Bun, Deno, and Workers with Node compatibility. */
interface Channel {
  readonly hasSubscribers: boolean
  publish(message: unknown): void
}

/** A connection was made. On `fastcgi:connection:open`. */
export interface ConnectionOpenMessage {
  address: string
  /** From the start of dialling, retries included, in ms. */
  duration: number
}

/** No connection could be made. On `fastcgi:connection:error`. */
export interface ConnectionErrorMessage {
  address: string
  error: Error
}

/** A connection is over. On `fastcgi:connection:close`. */
export interface ConnectionCloseMessage {
  address: string
  /** How many requests it has answered. */
  served: number
  /** Why, unless it was closed in good order. */
  error: Error | undefined
}

/** A request was written to a connection. On `fastcgi:request:start`; once more when it is replayed on a fresh connection. */
export interface RequestStartMessage {
  /** The same object in all messages about one request: a key for a WeakMap. */
  request: object
  address: string
  /** Time spent waiting for a connection, in ms. */
  queued: number
  /** True when the connection has served a request before. */
  reused: boolean
}

/** The first byte of stdout arrived. On `fastcgi:request:headers`. */
export interface RequestHeadersMessage {
  request: object
  address: string
}

/** A piece of stderr arrived. On `fastcgi:request:stderr`. `data` is valid only during the call. */
export interface RequestStderrMessage {
  request: object
  address: string
  data: Uint8Array
}

/** A request was answered to its end. On `fastcgi:request:end`. */
export interface RequestEndMessage {
  request: object
  address: string
  appStatus: number
  protocolStatus: number
}

/** A request failed, in whatever phase. On `fastcgi:request:error`. */
export interface RequestErrorMessage {
  request: object
  address: string
  /** What its handler is told: mostly a FastCGIError, or the reason of an abort. */
  error: unknown
}

const SILENT: Channel = { hasSubscribers: false, publish: () => {} }

/** The channels, by what they tell. Subscribe with node:diagnostics_channel and the names in {@link channelNames}. */
export const channelNames = {
  connectionOpen: 'fastcgi:connection:open',
  connectionError: 'fastcgi:connection:error',
  connectionClose: 'fastcgi:connection:close',
  requestStart: 'fastcgi:request:start',
  requestHeaders: 'fastcgi:request:headers',
  requestStderr: 'fastcgi:request:stderr',
  requestEnd: 'fastcgi:request:end',
  requestError: 'fastcgi:request:error',
} as const

export const channels: Readonly<Record<keyof typeof channelNames, Channel>> = openChannels()

function openChannels(): Record<keyof typeof channelNames, Channel> {
  // Asked for at run time rather than imported, so that a runtime without it can load this module.
  const { process } = globalThis as {
    process?: { getBuiltinModule?(id: string): { channel(name: string): Channel } | undefined }
  }
  const module = process?.getBuiltinModule?.('node:diagnostics_channel')
  const entries = Object.entries(channelNames).map(([key, name]) => [
    key,
    module?.channel(name) ?? SILENT,
  ])
  return Object.fromEntries(entries) as Record<keyof typeof channelNames, Channel>
}
