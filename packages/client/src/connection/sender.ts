// The way out for a body that is too large, or too slow, to go out together with the params. Knows nothing of the way in: reading
// never waits for it.

import { LocalProtocolError } from '../errors.ts'
import {
  MAX_ALIGNED_CONTENT_LENGTH,
  RecordType,
  Role,
  type Encoder,
  type Session,
} from '../protocol/index.ts'
import type { Transport } from '../transport/transport.ts'
import type { Exchange } from './exchange.ts'
import type { ByteSource, Stdin } from './stdin.ts'

// Below this, copying a chunk between its header and its padding is cheaper than handing the system one more piece.
const COPIED = 8 * 1024

/** What a {@link Sender} writes to. */
export interface Outlet {
  readonly transport: Transport
  readonly encoder: Encoder
  readonly session: Session
}

/** Sends the stdin, and for a Filter the data, of one exchange. */
export class Sender {
  readonly #outlet: Outlet
  readonly #requestId: number
  readonly #exchange: Exchange
  #source: ByteSource | undefined
  #stopped = false
  #drained: (() => void) | undefined

  constructor(outlet: Outlet, requestId: number, exchange: Exchange) {
    this.#outlet = outlet
    this.#requestId = requestId
    this.#exchange = exchange
  }

  /**
   * Resolves when everything was handed to the transport, or when it was stopped.
   * @throws LocalProtocolError `FCGI_ERR_STDIN` when the source fails, `FCGI_ERR_CONTENT_LENGTH` when its length is not as promised.
   */
  async run(): Promise<void> {
    const { stdin, data, role, contentLength } = this.#exchange
    await this.#send('stdin', stdin, contentLength)
    if (role === Role.Filter) await this.#send('data', data)
  }

  /** The transport takes more. */
  drain(): void {
    this.#drained?.()
    this.#drained = undefined
  }

  /** Sends nothing more and frees the source. */
  stop(reason: unknown): void {
    this.#stopped = true
    this.#source?.cancel(reason)
    this.drain()
  }

  async #send(stream: 'stdin' | 'data', body: Stdin, promised = body.length): Promise<void> {
    if (this.#stopped) return
    const source = body.open()
    this.#source = source
    let length = 0
    for (;;) {
      const chunk = await source.next()
      if (this.#stopped) return
      if (chunk === undefined) break
      // An empty record would end the stream (§3.3).
      if (chunk.length === 0) continue
      length += chunk.length
      // The chunk is not sent: the application would take what is beyond CONTENT_LENGTH for the next records.
      if (promised !== undefined && length > promised) throw wrongLength(promised, 'is longer')
      // The end goes out with the last chunk: php-fpm answers as soon as it has CONTENT_LENGTH bytes, and a connection on which the
      // answer was faster than our end could not be used again. That it is the last is known when the source has ended.
      const last = length === promised
      if (last && (await hasMore(source))) throw wrongLength(promised, 'is longer')
      if (this.#stopped) return
      const more = this.#write(stream, chunk, last)
      this.#exchange.progressed()
      if (last) return
      if (!more) await this.#drain()
    }
    if (promised !== undefined && length < promised) {
      throw wrongLength(promised, `ended after ${length}`)
    }
    this.#encodeEnd(stream)
    this.#outlet.transport.write(this.#outlet.encoder.take())
  }

  #encodeEnd(stream: 'stdin' | 'data'): void {
    this.#outlet.session.send(this.#requestId, `${stream}End`)
    this.#outlet.encoder.streamEnd(recordType(stream), this.#requestId)
  }

  #drain(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained = resolve
    })
  }

  #write(stream: 'stdin' | 'data', chunk: Uint8Array, last: boolean): boolean {
    const { transport, encoder, session } = this.#outlet
    session.send(this.#requestId, stream)
    if (chunk.length <= COPIED) {
      encoder.stream(recordType(stream), this.#requestId, chunk)
      if (last) this.#encodeEnd(stream)
      return transport.write(encoder.take())
    }
    const pieces: Uint8Array[] = []
    for (let at = 0; at < chunk.length; at += MAX_ALIGNED_CONTENT_LENGTH) {
      const content = chunk.subarray(at, at + MAX_ALIGNED_CONTENT_LENGTH)
      if (content.length <= COPIED) {
        encoder.stream(recordType(stream), this.#requestId, content)
        break
      }
      encoder.streamHeader(recordType(stream), this.#requestId, content.length)
      pieces.push(encoder.take(), content)
      encoder.padding(content.length)
    }
    if (last) this.#encodeEnd(stream)
    return transport.write(...pieces, encoder.take())
  }
}

/** Whether more than nothing follows. */
async function hasMore(source: ByteSource): Promise<boolean> {
  for (;;) {
    const chunk = await source.next()
    if (chunk?.length !== 0) return chunk !== undefined
  }
}

function recordType(stream: 'stdin' | 'data'): typeof RecordType.Stdin | typeof RecordType.Data {
  return stream === 'stdin' ? RecordType.Stdin : RecordType.Data
}

function wrongLength(promised: number, what: string): LocalProtocolError {
  return new LocalProtocolError(
    `CONTENT_LENGTH is ${promised}, but stdin ${what}: the connection was closed, because the application waits for exactly that many bytes`,
    'FCGI_ERR_CONTENT_LENGTH',
  )
}
