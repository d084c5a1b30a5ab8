// What a running php-fpm tells about itself, and its OPcache.

export { FpmError, type FpmErrorCode } from './errors.ts'
export {
  opcacheInvalidate,
  opcacheReset,
  opcacheStatus,
  type OpcacheInvalidateOptions,
  type OpcacheInvalidation,
  type OpcacheJit,
  type OpcacheScript,
  type OpcacheStatus,
  type OpcacheStatusOptions,
  type OpcacheStrings,
} from './opcache.ts'
export type { OpcacheOptions } from './opcache-script.ts'
export { fpmPage, pageOf, type FpmPage, type FpmPageOptions } from './page.ts'
export { fpmPing, type FpmPingOptions } from './ping.ts'
export {
  fpmStatus,
  readFpmStatus,
  type FpmFields,
  type FpmProcess,
  type FpmStatus,
  type FpmStatusOptions,
} from './status.ts'
