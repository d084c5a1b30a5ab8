// A backend that does exactly what a test says, byte by byte: for the faults that a real one does not produce on demand.

import {
  concatBytes,
  copyBytes,
  Decoder,
  decodePairs,
  Encoder,
  paramText,
  RecordType,
  type Message,
  type StreamType,
} from '../protocol/index.ts'
import type { Connector, TransportHandler } from '../transport/transport.ts'
import { connectMemory, type MemoryTransport } from './memory.ts'

/** A request as the peer has read it. */
export interface PeerRequest {
  readonly id: number
  readonly role: number
  readonly keepConn: boolean
  readonly params: ReadonlyMap<string, string>
  readonly stdin: Uint8Array
}

/**
 * Plays the backend on one connection; when it returns, the connection stays as it is. One that throws resets the connection.
 * @param index Which connection this is, from 0.
 */
export type PeerScript = (peer: ScriptedPeer, index: number) => void | Promise<void>

/**
 * A {@link Connector} to a backend that follows a script.
 * @example
 * const connect = scriptedPeer(async (peer) => {
 *   const { id } = await peer.request()
 *   peer.stdout(id, 'half an ans')
 *   peer.close()
 * })
 */
export function scriptedPeer(script: PeerScript): Connector {
  let index = 0
  return connectMemory((transport) => {
    const peer = new ScriptedPeer(transport)
    const play = async (): Promise<void> => script(peer, index++)
    play().catch((error: unknown) =>
      transport.reset(error instanceof Error ? error : new Error(String(error))),
    )
    return peer.handler
  })
}

/** One connection, seen from the backend. Records are sent as they are asked for, right or wrong. */
export class ScriptedPeer {
  /** What its transport calls. */
  readonly handler: TransportHandler = {
    data: (chunk) => {
      this.#decoder.push(chunk)
      this.#wake()
    },
    drain: () => {},
    close: () => {
      this.#closed = true
      this.#wake()
    },
  }

  readonly #transport: MemoryTransport
  readonly #encoder = new Encoder()
  readonly #open = new Map<number, OpenRequest>()
  #latest: OpenRequest | undefined
  readonly #heads: Omit<PeerRequest, 'stdin'>[] = []
  readonly #complete: PeerRequest[] = []
  readonly #messages: Message[] = []
  #waiting: (() => void)[] = []
  #closed = false
  readonly #decoder = new Decoder({
    onStream: (type, id, data) => this.#open.get(id)?.add(type, copyBytes(data)),
    onStreamEnd: (type, id) => this.#onStreamEnd(type, id),
    onMessage: (message) => this.#onMessage(message),
  })

  constructor(transport: MemoryTransport) {
    this.#transport = transport
  }

  /** True once the other side has closed. */
  get closed(): boolean {
    return this.#closed
  }

  /** How many bytes of stdin have come for the request that began last. */
  get stdinReceived(): number {
    return this.#latest?.stdinLength ?? 0
  }

  /** The next request, with all of its stdin. @throws Error when the connection ends before it is complete */
  async request(): Promise<PeerRequest> {
    await this.#until(() => this.#complete.length > 0)
    return this.#complete.shift()!
  }

  /** The next request as soon as its params are complete; its stdin may still be on its way. Independent of {@link request}. */
  async params(): Promise<Omit<PeerRequest, 'stdin'>> {
    await this.#until(() => this.#heads.length > 0)
    return this.#heads.shift()!
  }

  /** The next record that is neither a stream nor BEGIN_REQUEST. */
  async message(): Promise<Message> {
    await this.#until(() => this.#messages.length > 0)
    return this.#messages.shift()!
  }

  /** Resolves when the other side has closed. */
  async gone(): Promise<void> {
    while (!this.#closed) await this.#news()
  }

  /** Resolves when `condition` holds, which is looked at whenever something arrives. @throws Error when the connection ends before */
  async until(condition: () => boolean): Promise<void> {
    await this.#until(condition)
  }

  /** Sends these bytes as they are. */
  send(...pieces: (Uint8Array | readonly number[])[]): void {
    for (const piece of pieces) this.#transport.write(Uint8Array.from(piece))
  }

  /** Sends records of stdout; none for no data. */
  stdout(id: number, data: string | Uint8Array): void {
    this.#stream(RecordType.Stdout, id, data)
  }

  /** Sends records of stderr; none for no data. */
  stderr(id: number, data: string | Uint8Array): void {
    this.#stream(RecordType.Stderr, id, data)
  }

  /** Sends END_REQUEST. */
  end(id: number, appStatus = 0, protocolStatus = 0): void {
    this.#encoder.endRequest(id, appStatus, protocolStatus)
    this.#transport.write(this.#encoder.take())
  }

  /** Sends FCGI_GET_VALUES_RESULT. */
  values(values: Readonly<Record<string, string>>): void {
    this.#encoder.getValuesResult(Object.entries(values))
    this.#transport.write(this.#encoder.take())
  }

  /** Stops reading, or starts again: what comes meanwhile piles up on the other side. */
  stall(stalled: boolean): void {
    if (stalled) this.#transport.pause()
    else this.#transport.resume()
  }

  /** Closes in good order: what was sent arrives. */
  close(): void {
    this.#transport.destroy()
  }

  /** Breaks the connection, as a process that dies: what was not read yet is lost. @param code @default 'ECONNRESET' */
  reset(code = 'ECONNRESET'): void {
    this.#transport.reset(Object.assign(new Error(`read ${code}`), { code }))
  }

  #stream(type: StreamType, id: number, data: string | Uint8Array): void {
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data
    this.#encoder.stream(type, id, bytes)
    this.#transport.write(this.#encoder.take())
  }

  #onMessage(message: Message): void {
    if (message.type === RecordType.BeginRequest) {
      this.#latest = new OpenRequest(message.requestId, message.role, message.keepConn)
      this.#open.set(message.requestId, this.#latest)
    } else {
      this.#messages.push(message)
    }
  }

  #onStreamEnd(type: StreamType, id: number): void {
    const request = this.#open.get(id)
    if (!request) return
    if (type === RecordType.Params) this.#heads.push(request.head())
    if (type !== RecordType.Stdin) return
    this.#open.delete(id)
    this.#complete.push({ ...request.head(), stdin: request.stdin() })
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#closed) throw new Error('the connection was closed before')
      await this.#news()
    }
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}

class OpenRequest {
  stdinLength = 0
  readonly #head: { readonly id: number; readonly role: number; readonly keepConn: boolean }
  readonly #params: Uint8Array[] = []
  readonly #stdin: Uint8Array[] = []

  constructor(id: number, role: number, keepConn: boolean) {
    this.#head = { id, role, keepConn }
  }

  add(type: StreamType, data: Uint8Array): void {
    if (type === RecordType.Params) this.#params.push(data)
    if (type !== RecordType.Stdin) return
    this.#stdin.push(data)
    this.stdinLength += data.length
  }

  head(): Omit<PeerRequest, 'stdin'> {
    const pairs = decodePairs(concatBytes(this.#params))
    const params = new Map(pairs.map(([name, value]) => [paramText(name), paramText(value)]))
    return { ...this.#head, params }
  }

  stdin(): Uint8Array {
    return concatBytes(this.#stdin)
  }
}
