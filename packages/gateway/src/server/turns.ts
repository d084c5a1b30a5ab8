// Requests of one HTTP/1 connection, one after the other. A client may send the next one before it has the answer to the last; node:http
// tells of all of them at once. Begun at once, what they do would be done in any order (RFC 9112 §9.3.2), and a single connection could fill
// the queue of a backend.

import type { IncomingMessage, ServerResponse } from 'node:http'

type Socket = IncomingMessage['socket']

interface Waiting {
  readonly response: ServerResponse
  readonly begin: () => void
}

/** From so many on, nothing more is read from the connection, and its end is not noticed either. What has been read already is kept. */
const MANY = 100

export class Turns {
  /** What waits behind the request that is being answered, for each connection that answers one. */
  readonly #lines = new WeakMap<object, Waiting[]>()

  /** Whether the connection owes an answer. */
  isBusy(socket: object): boolean {
    return this.#lines.has(socket)
  }

  /** Begins when all requests before this one are answered; never, when the connection is closed before. */
  take(socket: Socket, response: ServerResponse, begin: () => void): void {
    const line = this.#lines.get(socket)
    if (!line) {
      this.#lines.set(socket, [])
      this.#begin(socket, { response, begin })
      return
    }
    line.push({ response, begin })
    if (line.length >= MANY) this.#holdUp(socket)
  }

  #begin(socket: Socket, { response, begin }: Waiting): void {
    response.on('close', () => this.#next(socket))
    begin()
  }

  #next(socket: Socket): void {
    const line = this.#lines.get(socket)
    const next = line?.shift()
    // The answer before it may have been the last one that the connection is there for.
    if (!line || !next || !socket.writable) {
      this.#lines.delete(socket)
      return
    }
    if (line.length === MANY - 1) socket.resume()
    this.#begin(socket, next)
    this.#holdUp(socket)
  }

  /** Once node:http is done with what it is reading: at the end of each request it reads on by itself. */
  #holdUp(socket: Socket): void {
    queueMicrotask(() => {
      if ((this.#lines.get(socket)?.length ?? 0) >= MANY) socket.pause()
    })
  }
}
