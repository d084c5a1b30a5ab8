// One listener for each AbortSignal, however many requests share it: a hundred requests with one signal are no leak, and runtimes warn
// about a hundred listeners.

/** What waits for each signal. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>()

/** Calls back when the signal aborts. @returns what takes the callback back. */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const callbacks = waiting.get(signal) ?? listenTo(signal)
  callbacks.add(callback)
  return () => {
    callbacks.delete(callback)
    if (callbacks.size === 0) forget(signal, callbacks)
  }
}

interface Callbacks extends Set<() => void> {
  listener?: () => void
}

function listenTo(signal: AbortSignal): Callbacks {
  const callbacks: Callbacks = new Set()
  callbacks.listener = () => {
    waiting.delete(signal)
    for (const callback of callbacks) callback()
  }
  waiting.set(signal, callbacks)
  signal.addEventListener('abort', callbacks.listener, { once: true })
  return callbacks
}

function forget(signal: AbortSignal, callbacks: Callbacks): void {
  if (callbacks.listener) signal.removeEventListener('abort', callbacks.listener)
  if (waiting.get(signal) === callbacks) waiting.delete(signal)
}
