// The face of the package.

export { CONFIG_FILES, ConfigError, defineConfig, findConfig, loadConfig } from './config.ts'
export type { Exchange, Handler, LogFields, Middleware } from './exchange.ts'
export { createGateway, type Gateway } from './gateway.ts'
export type {
  ClientInfo,
  ConnectionInfo,
  HeaderFields,
  Incoming,
  IncomingBody,
  Reply,
} from './http.ts'
export type { Logger } from './logger.ts'
export type * from './options.ts'
export { ListenError } from './server/bind.ts'
export type * from './server/options.ts'
export { serve } from './server/serve.ts'
export type { GatewayServer } from './server/server.ts'
