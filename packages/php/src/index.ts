// The face of the package: a PHP backend, wherever it comes from.

export { PhpStartError, type PhpAttempt, type PhpStartErrorCode } from './errors.ts'
export { findPhp, type FindPhpOptions } from './find.ts'
export type { PhpFound } from './found.ts'
export { installHint } from './hint.ts'
export type { IniSettings } from './ini.ts'
export type { PhpLogEntry, PhpLogLevel } from './log.ts'
export type { BackendKind, PhpKind, StartPhpOptions } from './options.ts'
export type { Php, PhpStats } from './php.ts'
export { startPhp } from './start.ts'
