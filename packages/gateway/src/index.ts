// The face of the package.

export type { ClientInfo, Exchange, Handler, LogFields, Middleware } from './exchange.ts'
export type { ConnectionInfo, HeaderFields, Incoming, IncomingBody, Reply } from './http.ts'
export type { Logger } from './logger.ts'
export type * from './options.ts'
