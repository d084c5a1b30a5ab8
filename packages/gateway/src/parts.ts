// The parts that a gateway is made of, for those who build one of another shape, and for tests. Unlike the face of the package, they may
// change in any version.

export { BodyMemory } from './bodies/body-memory.ts'
export { takeBody, type TakenBody } from './bodies/request-body.ts'
export { checkRequestBody, type RequestBodyRules } from './bodies/rules.ts'
export { ChunkPool } from './chunk-pool.ts'
export { compileRules, compileStatic } from './compile-rules.ts'
export { Exchange } from './exchange.ts'
export {
  FileTree,
  type FileEntry,
  type FileTreeOptions,
  type Lookup,
  type OpenFile,
} from './files.ts'
export { compress } from './middlewares/compress.ts'
export { applyPreset } from './presets/apply.ts'
export { CompressedReply } from './replies/compressed-reply.ts'
export { checkResponse, type CompressRules, type ResponseRules } from './replies/rules.ts'
export { SpooledReply, type SpoolSetting } from './replies/spooled-reply.ts'
export { resolve, type Resolution, type ResolveRules } from './resolve.ts'
export { sendFile, type ChosenHead } from './send-file.ts'
export { ChunkQueue } from './spool/chunk-queue.ts'
export { Spool, type SpoolEvents, type SpoolLimits } from './spool/spool.ts'
export { SpoolError, SpoolFile } from './spool/spool-file.ts'
export type { StaticRules } from './static-rules.ts'
