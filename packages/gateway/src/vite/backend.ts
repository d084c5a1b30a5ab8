// Where PHP runs while somebody develops: started here, or there already; patient with debuggers, and with changed files seen at once.

import { opcacheInvalidate } from '@fastcgi/php/fpm'
import { startPhp, type Php, type PhpLogEntry } from '@fastcgi/php'
import { createWatchedGateway, type Gateway } from '../gateway.ts'
import type { Logger } from '../logger.ts'
import type { BackendOptions, GatewayOptions } from '../options.ts'
import type { CheckedViteOptions } from './options.ts'

// Who stands at a breakpoint needs more than a minute.
const PATIENT = { headersTimeout: 0, bodyTimeout: 0 }
/** What who develops wants of php.ini: a changed file is seen at once, and errors are told to the gateway, not to a file. */
const INI = {
  'opcache.validate_timestamps': true,
  'opcache.revalidate_freq': 0,
  // Times of files are compared by the second: what is younger than this, in seconds, may change once more within it, and is not kept.
  'opcache.file_update_protection': 2,
  log_errors: true,
  error_log: '',
}
// A status page for each change would be worse than a page that is two seconds old.
const FORGET_TIMEOUT = 2000

/** A gateway, and PHP behind it where it was started here. */
export class PhpSide {
  readonly gateway: Gateway
  readonly #started: Php | undefined
  readonly #logger: Logger
  #forgets = true

  private constructor(gateway: Gateway, started: Php | undefined, logger: Logger) {
    this.gateway = gateway
    this.#started = started
    this.#logger = logger
  }

  /** @throws Error that says how to get a PHP when none can be started; TypeError on an option that cannot be used. */
  static async open(
    { gateway: options, php }: CheckedViteOptions,
    logger: Logger,
    more: (options: GatewayOptions) => GatewayOptions,
  ): Promise<PhpSide> {
    const { backend, backends } = options
    if (backend !== undefined || php === false) {
      const given = backend === undefined ? {} : { backend: patient(backend, backends) }
      return new PhpSide(made(more({ ...options, ...given })), undefined, logger)
    }
    const { root } = options
    const ini = { ...INI, ...php.ini }
    const onLog = (entry: PhpLogEntry): void => tell(logger, entry)
    const started = await startPhp({ root, onLog, ...php, ini }).catch(explain)
    logger.info({}, `PHP: ${started.description}`)
    const { address, workers } = started
    const pool = { address, ...PATIENT, ...(workers !== undefined && { connections: workers }) }
    try {
      return new PhpSide(made(more({ ...options, backend: pool })), started, logger)
    } catch (error) {
      await started.close()
      throw error
    }
  }

  /**
   * Makes OPcache forget files that have changed. What was started here looks at files anew for each request; any other php-fpm may look every
   * two seconds, or never.
   * @param files Absolute paths, as PHP sees them.
   */
  async forget(files: readonly string[]): Promise<void> {
    if (this.#started || !this.#forgets) return
    const signal = AbortSignal.timeout(FORGET_TIMEOUT)
    const asked = this.gateway.backends.map(({ executor }) =>
      opcacheInvalidate(executor, files, { signal }),
    )
    for (const result of await Promise.allSettled(asked)) {
      if (result.status === 'rejected') this.#giveUp(result.reason)
    }
  }

  async close(): Promise<void> {
    this.gateway.destroy(new Error('the dev server is closing'))
    await this.#started?.close()
  }

  /** Without OPcache there is nothing to forget; where it may not be asked, somebody has to know. */
  #giveUp(reason: unknown): void {
    if (!this.#forgets) return
    this.#forgets = false
    const isOff = reason instanceof Error && 'code' in reason && reason.code === 'FPM_ERR_OPCACHE'
    const level = isOff ? 'debug' : 'warn'
    this.#logger[level](
      { error: reason },
      `OPcache of this PHP cannot be told of changed files, so that pages may be old for as long as opcache.revalidate_freq says (set it to 0): ${String(reason)}`,
    )
  }
}

/** Errors are shown over the page, not at its end. */
function made(options: GatewayOptions): Gateway {
  return createWatchedGateway(options, [], false)
}

function patient(backend: BackendOptions, named: GatewayOptions['backends']): BackendOptions {
  if (typeof backend === 'string') {
    const isName = named !== undefined && Object.hasOwn(named, backend)
    return isName ? backend : { address: backend, ...PATIENT }
  }
  return 'dispatch' in backend ? backend : { ...PATIENT, ...backend }
}

function explain(cause: unknown): never {
  const reason = cause instanceof Error ? cause.message : String(cause)
  throw new Error(
    `PHP cannot be started: ${reason}\nIf PHP runs already, give its address to the plugin: php({ backend: 'unix:/run/php/php-fpm.sock' })`,
    { cause },
  )
}

/** PHP's errors are told with the request that they belong to. */
function tell(logger: Logger, { level, source, message }: PhpLogEntry): void {
  if (source === 'supervisor' || level === 'warn' || level === 'error') {
    logger[level]({}, `${source}: ${message}`)
  }
}
