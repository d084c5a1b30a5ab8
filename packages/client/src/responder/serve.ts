// Listens, and gives each connection to a ResponderConnection.

import { listenNode } from '../transport/node.ts'
import type { Address } from '../transport/address.ts'
import { ResponderConnection } from './connection.ts'
import type { ResponderHandler, ResponderOptions } from './request.ts'

/** Options of {@link serve}. */
export interface ServeOptions extends ResponderOptions {
  /** Where to listen: `unix:/run/app.sock`, `127.0.0.1:9000`, port 0 for any that is free. */
  listen: string | Address
}

/** A FastCGI application that listens. */
export interface ResponderServer extends AsyncDisposable {
  /** Where it listens, with the port that was chosen. */
  readonly address: Address
  /** Takes no more connections or requests, finishes those that run, and resolves when all is closed. */
  close(): Promise<void>
  /** Closes everything now. */
  destroy(): Promise<void>
}

/**
 * Runs a FastCGI application: puts this process behind nginx, Apache or any other web server.
 * @throws TypeError on a bad address; what listen(2) says (EADDRINUSE, EACCES, …).
 * @example
 * const server = await serve(async ({ params }, reply) => {
 *   await reply.stdout(`Content-Type: text/plain\r\n\r\nHello from ${params.get('REQUEST_URI')}\n`)
 * }, { listen: '127.0.0.1:9000' })
 */
export async function serve(
  handler: ResponderHandler,
  options: ServeOptions,
): Promise<ResponderServer> {
  const connections = new Set<ResponderConnection>()
  const listener = await listenNode(options.listen, (transport) => {
    const connection = new ResponderConnection(transport, handler, options, (closed) =>
      connections.delete(closed),
    )
    connections.add(connection)
    return connection
  })
  let closed: Promise<void> | undefined
  const close = (): Promise<void> => {
    for (const connection of connections) connection.finish()
    return (closed ??= listener.close())
  }
  return {
    address: listener.address,
    close,
    destroy() {
      for (const connection of connections) connection.destroy()
      return (closed ??= listener.close())
    },
    [Symbol.asyncDispose]: close,
  }
}
