/**
 * - `FPM_ERR_NO_PAGE`: there is no such page; the pool has to be told its path.
 * - `FPM_ERR_PAGE`: something else answers at that path.
 * - `FPM_ERR_SCRIPT`: PHP could not run the script that asks for it.
 * - `FPM_ERR_OPCACHE`: OPcache is not loaded, not enabled, or may not be asked.
 */
export type FpmErrorCode = 'FPM_ERR_NO_PAGE' | 'FPM_ERR_PAGE' | 'FPM_ERR_SCRIPT' | 'FPM_ERR_OPCACHE'

/** php-fpm answered, and did not tell what it was asked. */
export class FpmError extends Error {
  readonly code: FpmErrorCode
  /** The status of the answer. */
  readonly status: number

  constructor(code: FpmErrorCode, status: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'FpmError'
    this.code = code
    this.status = status
  }
}
