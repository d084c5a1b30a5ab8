// The end of a turn of the event loop, on runtimes that have turns: Node, Bun and Deno.

import { setImmediate } from 'node:timers'

// Taken now: tests put clocks of their own in its place, and forget to move them on for a request.
const later = setImmediate
let callbacks: (() => void)[] = []

/** Calls back when this turn ends: after the events that have come, before the system is asked for more. */
export function atEndOfTurn(callback: () => void): void {
  if (callbacks.push(callback) === 1) later(callAll)
}

function callAll(): void {
  const all = callbacks
  callbacks = []
  for (const callback of all) callback()
}
