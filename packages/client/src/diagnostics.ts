// Names of the diagnostics channels, and what is published on them. Nothing is built or published when nobody listens.

/** The part of node:diagnostics_channel that is used; present in Node, Bun, Deno, and Workers with Node compatibility. */
interface Channel {
  readonly hasSubscribers: boolean
  publish(message: unknown): void
}

/** What is known of a pool: its name and limits, and what it is doing whenever it is looked at. */
export interface PoolState {
  readonly name: string
  readonly address: string
  /** The most connections that are open at a time. */
  readonly connections: number
  /** As `pool.stats`: counted when it is read. */
  readonly stats: Readonly<
    Record<'connected' | 'connecting' | 'idle' | 'running' | 'queued', number>
  >
}

/**
 * A pool or client was made: on `fastcgi:pool:create`. One that was closed or destroyed has closed its last connection: on
 * `fastcgi:pool:close`. One that is forgotten unclosed says nothing, so hold `pool` weakly.
 */
export interface PoolMessage {
  pool: PoolState
}

/** A connection was made. On `fastcgi:connection:open`. */
export interface ConnectionOpenMessage {
  address: string
  /** The name of the pool that it is for. */
  pool: string
  /** The same object in `fastcgi:request:start` of the requests that it carries. */
  connection: object
  /** From the start of dialling, retries included, in ms. */
  duration: number
}

/** No connection could be made. On `fastcgi:connection:error`. */
export interface ConnectionErrorMessage {
  address: string
  /** The name of the pool that it was for. */
  pool: string
  /** From the start of dialling, retries included, in ms. */
  duration: number
  /** The same object as in `fastcgi:request:error`, when the failure is told to a request. */
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

/**
 * `dispatch` was called: its caller is still waiting for it to return. On `fastcgi:request:create`, once for each request; exactly one
 * `fastcgi:request:end` or `fastcgi:request:error` follows.
 */
export interface RequestCreateMessage {
  /** The same object in all messages about one request: a key for a WeakMap. */
  request: object
  address: string
  pool: PoolState
  /** FastCGI 1.0, §5.1: 1 is a Responder, 2 an Authorizer, 3 a Filter. */
  role: number
  /** The param as text: the last of that name, as php-fpm reads it, prepared ones included. */
  param: (name: string) => string | undefined
  /**
   * Changes the params before they are sent: each takes the place of all of that name, `undefined` takes them away. What was prepared
   * stays, but comes before, so that an application that takes the last one takes the new one. Valid only during the call.
   */
  setParams: (params: Readonly<Record<string, string | undefined>>) => void
}

/** A request has to wait: for a connection, or until its stdin is collected. On `fastcgi:request:queue`; again when it is replayed. */
export interface RequestQueueMessage {
  request: object
  address: string
}

/** A request is being written to a connection. On `fastcgi:request:start`; once more when it is replayed on a fresh connection. */
export interface RequestStartMessage {
  request: object
  address: string
  connection: object
  /** Time spent waiting for a connection, in ms. */
  queued: number
  /** True when the connection has served a request before. */
  reused: boolean
}

/**
 * The whole request, its body included, was handed to the connection. On `fastcgi:request:sent`; not when the application ends the request
 * before.
 */
export interface RequestSentMessage {
  request: object
  address: string
}

/** The first byte of stdout arrived. On `fastcgi:request:headers`. `data`, the first piece, is valid only during the call. */
export interface RequestHeadersMessage {
  request: object
  address: string
  data: Uint8Array
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

/** What is published on each channel. */
export interface ChannelMessages {
  poolCreate: PoolMessage
  poolClose: PoolMessage
  connectionOpen: ConnectionOpenMessage
  connectionError: ConnectionErrorMessage
  connectionClose: ConnectionCloseMessage
  requestCreate: RequestCreateMessage
  requestQueue: RequestQueueMessage
  requestStart: RequestStartMessage
  requestSent: RequestSentMessage
  requestHeaders: RequestHeadersMessage
  requestStderr: RequestStderrMessage
  requestEnd: RequestEndMessage
  requestError: RequestErrorMessage
}

const SILENT: Channel = { hasSubscribers: false, publish: () => {} }

/** The channels, by what they tell. Subscribe with node:diagnostics_channel and the names in {@link channelNames}. */
export const channelNames = {
  poolCreate: 'fastcgi:pool:create',
  poolClose: 'fastcgi:pool:close',
  connectionOpen: 'fastcgi:connection:open',
  connectionError: 'fastcgi:connection:error',
  connectionClose: 'fastcgi:connection:close',
  requestCreate: 'fastcgi:request:create',
  requestQueue: 'fastcgi:request:queue',
  requestStart: 'fastcgi:request:start',
  requestSent: 'fastcgi:request:sent',
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
