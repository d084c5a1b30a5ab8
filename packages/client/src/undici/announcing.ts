// A connector that says what becomes of its connections.

import { connectNode } from '../transport/node.ts'
import type { Address } from '../transport/address.ts'
import type { Connector, TransportHandler } from '../transport/transport.ts'

/** The events of a Dispatcher. */
export type ConnectionEvent = 'connect' | 'connectionError' | 'disconnect'

/** @param tell Is called apart from the connection: what it throws is its own. */
export function announcing(
  address: Address,
  connect: Connector = connectNode(address),
  tell: (event: ConnectionEvent, error?: Error) => void,
): Connector {
  const soon = (event: ConnectionEvent, error?: Error): void =>
    queueMicrotask(() => tell(event, error))
  return async (handler, signal) => {
    try {
      const transport = await connect(new Announcing(handler, soon), signal)
      soon('connect')
      return transport
    } catch (error) {
      if (!signal.aborted && error instanceof Error) soon('connectionError', error)
      throw error
    }
  }
}

class Announcing implements TransportHandler {
  readonly #handler: TransportHandler
  readonly #tell: (event: ConnectionEvent, error?: Error) => void

  constructor(handler: TransportHandler, tell: (event: ConnectionEvent, error?: Error) => void) {
    this.#handler = handler
    this.#tell = tell
  }

  data(chunk: Uint8Array): void {
    this.#handler.data(chunk)
  }

  drain(): void {
    this.#handler.drain()
  }

  close(reason?: Error): void {
    this.#tell('disconnect', reason)
    this.#handler.close(reason)
  }
}
