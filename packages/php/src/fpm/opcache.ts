// OPcache of a running php-fpm: what it holds, and how to make it forget.

import type { Executor } from '@fastcgi/client'
import { askOpcache, type OpcacheOptions } from './opcache-script.ts'

/** Options of {@link opcacheStatus}. */
export interface OpcacheStatusOptions extends OpcacheOptions {
  /** Whether to tell of every script. @default false */
  readonly scripts?: boolean | undefined
}

/** Options of {@link opcacheInvalidate}. */
export interface OpcacheInvalidateOptions extends OpcacheOptions {
  /** Also files that have not changed since they were compiled. @default true */
  readonly force?: boolean | undefined
}

/** What OPcache holds. Sizes in bytes, times in seconds since 1970, and 0 for never. */
export interface OpcacheStatus {
  /** What `opcache_get_status()` said. */
  readonly fields: Readonly<Record<string, unknown>>
  readonly cacheFull: boolean
  readonly restartPending: boolean
  readonly restartInProgress: boolean
  readonly usedMemory: number
  readonly freeMemory: number
  /** Of scripts that were replaced; it is free again after a restart only. */
  readonly wastedMemory: number
  /** Undefined without `opcache.interned_strings_buffer`. */
  readonly internedStrings: OpcacheStrings | undefined
  readonly cachedScripts: number
  readonly cachedKeys: number
  readonly maxCachedKeys: number
  readonly hits: number
  readonly misses: number
  readonly blacklistMisses: number
  /** In percent. */
  readonly hitRate: number
  readonly startTime: number
  readonly lastRestartTime: number
  /** Restarts because memory ran out. */
  readonly oomRestarts: number
  /** Restarts because there were too many keys. */
  readonly hashRestarts: number
  readonly manualRestarts: number
  /** Undefined without a JIT, as before PHP 8.0. */
  readonly jit: OpcacheJit | undefined
  /** Undefined unless asked for. */
  readonly scripts: readonly OpcacheScript[] | undefined
}

/** Strings that scripts share. */
export interface OpcacheStrings {
  readonly bufferSize: number
  readonly usedMemory: number
  readonly freeMemory: number
  readonly count: number
}

/** The compiler to machine code. */
export interface OpcacheJit {
  readonly enabled: boolean
  /** Whether it compiles; false when its buffer is full, or it was turned off. */
  readonly on: boolean
  readonly bufferSize: number
  readonly bufferFree: number
}

/** One compiled file. */
export interface OpcacheScript {
  readonly path: string
  readonly hits: number
  readonly memory: number
  readonly lastUsed: number
  /** When the file was written that was compiled; 0 with `opcache.validate_timestamps = 0`. */
  readonly timestamp: number
}

/** One file that was to be forgotten. */
export interface OpcacheInvalidation {
  readonly file: string
  /** False for a file that is not there, or was not compiled. */
  readonly done: boolean
}

/**
 * Tells what OPcache of this php-fpm holds, by a script that is written for it and removed again.
 * @throws FpmError `FPM_ERR_SCRIPT` when PHP cannot run the script, `FPM_ERR_OPCACHE` when OPcache is off or may not be asked; FastCGIError
 * when nothing answers; the system's error when the folder cannot be written to.
 * @example
 * const { hitRate, usedMemory } = await opcacheStatus(pool)
 */
export async function opcacheStatus(
  executor: Executor,
  options: OpcacheStatusOptions = {},
): Promise<OpcacheStatus> {
  const { scripts = false } = options
  return statusOf(group(await askOpcache(executor, { do: 'status', scripts }, options)))
}

/**
 * Makes OPcache forget everything, as soon as no request runs that uses it; as a rule after a release with `opcache.validate_timestamps = 0`.
 * @throws as {@link opcacheStatus}
 */
export async function opcacheReset(
  executor: Executor,
  options: OpcacheOptions = {},
): Promise<void> {
  await askOpcache(executor, { do: 'reset' }, options)
}

/**
 * Makes OPcache forget some files.
 * @param files As php-fpm sees them: absolute paths.
 * @returns what became of each, in order.
 * @throws TypeError on a path that is not absolute; otherwise as {@link opcacheStatus}
 */
export async function opcacheInvalidate(
  executor: Executor,
  files: readonly string[],
  options: OpcacheInvalidateOptions = {},
): Promise<OpcacheInvalidation[]> {
  const relative = files.find((file) => !/^(?:\/|[A-Za-z]:[\\/])/.test(file))
  if (relative !== undefined) {
    throw new TypeError(`${JSON.stringify(relative)} is not an absolute path`)
  }
  const { force = true } = options
  const results = await askOpcache(executor, { do: 'invalidate', files, force }, options)
  return files.map((file, at) => ({ file, done: Array.isArray(results) && results[at] === true }))
}

type Group = Readonly<Record<string, unknown>>

function statusOf(fields: Group): OpcacheStatus {
  const memory = group(fields['memory_usage'])
  const statistics = group(fields['opcache_statistics'])
  return {
    fields,
    cacheFull: fields['cache_full'] === true,
    restartPending: fields['restart_pending'] === true,
    restartInProgress: fields['restart_in_progress'] === true,
    usedMemory: number(memory['used_memory']),
    freeMemory: number(memory['free_memory']),
    wastedMemory: number(memory['wasted_memory']),
    internedStrings: stringsOf(fields['interned_strings_usage']),
    cachedScripts: number(statistics['num_cached_scripts']),
    cachedKeys: number(statistics['num_cached_keys']),
    maxCachedKeys: number(statistics['max_cached_keys']),
    hits: number(statistics['hits']),
    misses: number(statistics['misses']),
    blacklistMisses: number(statistics['blacklist_misses']),
    hitRate: number(statistics['opcache_hit_rate']),
    startTime: number(statistics['start_time']),
    lastRestartTime: number(statistics['last_restart_time']),
    oomRestarts: number(statistics['oom_restarts']),
    hashRestarts: number(statistics['hash_restarts']),
    manualRestarts: number(statistics['manual_restarts']),
    jit: jitOf(fields['jit']),
    scripts: scriptsOf(fields['scripts']),
  }
}

function stringsOf(value: unknown): OpcacheStrings | undefined {
  if (value === undefined) return undefined
  const fields = group(value)
  return {
    bufferSize: number(fields['buffer_size']),
    usedMemory: number(fields['used_memory']),
    freeMemory: number(fields['free_memory']),
    count: number(fields['number_of_strings']),
  }
}

function jitOf(value: unknown): OpcacheJit | undefined {
  if (value === undefined) return undefined
  const fields = group(value)
  return {
    enabled: fields['enabled'] === true,
    on: fields['on'] === true,
    bufferSize: number(fields['buffer_size']),
    bufferFree: number(fields['buffer_free']),
  }
}

function scriptsOf(value: unknown): OpcacheScript[] | undefined {
  // PHP writes an empty list where there is none, as json_encode does for an array without keys.
  if (typeof value !== 'object' || value === null) return undefined
  return Object.values(value).map((each) => {
    const fields = group(each)
    return {
      path: String(fields['full_path']),
      hits: number(fields['hits']),
      memory: number(fields['memory_consumption']),
      lastUsed: number(fields['last_used_timestamp']),
      timestamp: number(fields['timestamp']),
    }
  })
}

function group(value: unknown): Group {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : 0
}
