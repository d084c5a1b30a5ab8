/** A measurement that is broken off leaves no servers behind. @param {import('./scope.mjs').Scope} scope */
export function closeOnSignals(scope) {
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
    process.once(signal, () => void scope.close().finally(() => process.exit(1)))
  }
}
