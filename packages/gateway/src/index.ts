// The face of the package.

export { CONFIG_FILES, ConfigError, defineConfig, findConfig, loadConfig } from './config.ts'
export { createGateway, type Gateway } from './gateway.ts'
export { compileRules, compileStatic } from './compile-rules.ts'
export { Exchange } from './exchange.ts'
export type { ClientInfo, Handler, LogFields, Middleware } from './exchange.ts'
export type { ConnectionInfo, HeaderFields, Incoming, IncomingBody, Reply } from './http.ts'
export type { Logger } from './logger.ts'
export type * from './options.ts'
export {
  FileTree,
  type FileEntry,
  type FileTreeOptions,
  type Lookup,
  type OpenFile,
} from './files.ts'
export { applyPreset } from './presets/apply.ts'
export { resolve, type Resolution, type ResolveRules } from './resolve.ts'
export { sendFile, type ChosenHead } from './send-file.ts'
export type { StaticRules } from './static-rules.ts'
export { ListenError } from './server/bind.ts'
export type * from './server/options.ts'
export { serve } from './server/serve.ts'
export type { GatewayServer } from './server/server.ts'
export { takeBody, type TakenBody } from './bodies/request-body.ts'
export { checkRequestBody, type RequestBodyRules } from './bodies/rules.ts'
export { compress } from './middlewares/compress.ts'
export { CompressedReply } from './replies/compressed-reply.ts'
export { checkResponse, type CompressRules, type ResponseRules } from './replies/rules.ts'
export { SpooledReply, type SpoolSetting } from './replies/spooled-reply.ts'
export { ChunkQueue } from './spool/chunk-queue.ts'
export { Spool, type SpoolEvents, type SpoolLimits } from './spool/spool.ts'
export { SpoolError, SpoolFile } from './spool/spool-file.ts'
