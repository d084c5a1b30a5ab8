/**
 * A measurement that is broken off leaves no servers behind. Signals may come twice: to this process, and to its group.
 *
 * @param {import('./scope.mjs').Scope} scope
 */
export function closeOnSignals(scope) {
  /** @type {Promise<void> | undefined} */
  let closing
  const close = () => {
    closing ??= scope.close().finally(() => process.exit(1))
  }
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.on(signal, close)
}
