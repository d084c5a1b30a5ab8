// The door for runtimes without sockets of Node: Workers and their like. Nothing behind it imports a `node:` module, so connections come
// from a connector that is given, such as `fromStreams`.

export { Client, executeOnce } from './client/client.ts'
export type { Executor } from './client/executor.ts'
export type { ClientOptions, GivenConnector, PoolOptions } from './client/options.ts'
export { Pool } from './client/pool.ts'
export { FastCGIResponse, FastCGIStream, type StreamChunk } from './client/response.ts'
export type { PoolStats } from './client/scheduler.ts'
export type {
  Dispatched,
  Dispatcher,
  DispatchHandler,
  EndResult,
  FastCGIRequest,
  RequestOptions,
  RequestTimeouts,
  StdinBody,
} from './connection/request.ts'
export {
  channelNames,
  type ConnectionCloseMessage,
  type ConnectionErrorMessage,
  type ConnectionOpenMessage,
  type PoolMessage,
  type PoolState,
  type RequestCreateMessage,
  type RequestEndMessage,
  type RequestErrorMessage,
  type RequestHeadersMessage,
  type RequestQueueMessage,
  type RequestSentMessage,
  type RequestStartMessage,
  type RequestStderrMessage,
} from './diagnostics.ts'
export * from './errors.ts'
export {
  prepareParams,
  ProtocolStatus,
  Role,
  ValueName,
  type ParamName,
  type ParamPair,
  type Params,
  type ParamValue,
  type PreparedParams,
} from './protocol/index.ts'
export { formatAddress, parseAddress, type Address } from './transport/address.ts'
export type { Connector, Transport, TransportHandler } from './transport/transport.ts'
export { fromStreams, type StreamPair } from './transport/web.ts'
