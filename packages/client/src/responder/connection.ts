// The application's side of one connection: records in, requests to the handler, records out.

import { ClosedError, RemoteProtocolError } from '../errors.ts'
import {
  Decoder,
  Encoder,
  NULL_REQUEST_ID,
  ProtocolStatus,
  RecordType,
  Role,
  ValueName,
  type BeginRequest,
  type Message,
  type RecordSink,
  type StreamType,
} from '../protocol/index.ts'
import type { Transport, TransportHandler } from '../transport/transport.ts'
import { ActiveRequest, type RequestHost } from './active-request.ts'
import type { ResponderHandler, ResponderOptions } from './request.ts'

const MAX_PARAMS = 1024 * 1024
// As many as a connection of ours has ids for; each may hold params and some of its stdin in memory.
const MAX_REQUESTS = 255

export class ResponderConnection implements TransportHandler, RecordSink, RequestHost {
  readonly #transport: Transport
  readonly #handler: ResponderHandler
  readonly #options: ResponderOptions
  readonly #encoder = new Encoder()
  readonly #decoder = new Decoder(this)
  readonly #requests = new Map<number, ActiveRequest>()
  readonly #onClose: (connection: ResponderConnection) => void
  #draining: (() => void)[] = []
  #paused = false
  /** True while answers that no handler waits for pile up: a peer that does not read them is not read either. */
  #blocked = false
  #closing = false
  #ended = false
  #closed = false

  constructor(
    transport: Transport,
    handler: ResponderHandler,
    options: ResponderOptions,
    onClose: (connection: ResponderConnection) => void,
  ) {
    this.#transport = transport
    this.#handler = handler
    this.#options = options
    this.#onClose = onClose
  }

  /** Closes the connection as soon as no request is running on it. */
  finish(): void {
    this.#endWhenIdle()
  }

  /** Closes the connection now. */
  destroy(): void {
    this.#transport.destroy()
  }

  // ── TransportHandler ──

  data(chunk: Uint8Array): void {
    if (this.#ended) return
    try {
      this.#decoder.push(chunk)
      this.#holdUp()
    } catch (error) {
      this.#lose(error)
      this.#transport.destroy()
    }
  }

  drain(): void {
    const waiting = this.#draining
    this.#draining = []
    for (const resolve of waiting) resolve()
    this.#blocked = false
    this.onRoom()
  }

  close(reason?: Error): void {
    this.#lose(reason ?? new ClosedError('the web server closed the connection'))
    this.#onClose(this)
  }

  // ── RecordSink ──

  onStream(type: StreamType, requestId: number, data: Uint8Array): void {
    refuseOutput(type)
    // Records of a request that is over, or was refused, may still be on their way (§3.3).
    this.#requests.get(requestId)?.receive(type, data)
  }

  onStreamEnd(type: StreamType, requestId: number): void {
    refuseOutput(type)
    this.#requests.get(requestId)?.receiveEnd(type)
  }

  onMessage(message: Message): void {
    switch (message.type) {
      case RecordType.BeginRequest:
        return this.#begin(message)
      case RecordType.AbortRequest:
        return this.#abort(message.requestId)
      case RecordType.GetValues:
        return this.#answerValues(message.names)
      case 'unknown':
        if (message.requestId === NULL_REQUEST_ID) this.#encoder.unknownType(message.recordType)
        this.#answer()
        return
      default:
        throw new RemoteProtocolError(
          `record of type ${message.type}: only an application sends it`,
        )
    }
  }

  // ── RequestHost ──

  async write(type: StreamType, requestId: number, data: Uint8Array): Promise<void> {
    if (this.#closed) throw new ClosedError('the web server closed the connection')
    this.#encoder.stream(type, requestId, data)
    if (!this.#flush()) {
      await new Promise<void>((resolve) => {
        this.#draining.push(resolve)
      })
    }
  }

  end(request: ActiveRequest, appStatus: number, protocolStatus: number): void {
    this.#requests.delete(request.id)
    if (this.#closed) return
    for (const type of request.written) this.#encoder.streamEnd(type, request.id)
    this.#encoder.endRequest(request.id, appStatus, protocolStatus)
    this.#flush()
    this.onRoom()
    if (!request.keepConn || this.#closing) this.#endWhenIdle()
  }

  onRoom(): void {
    if (
      !this.#paused ||
      this.#blocked ||
      [...this.#requests.values()].some((request) => request.full)
    )
      return
    this.#paused = false
    this.#transport.resume()
  }

  #begin(message: BeginRequest): void {
    const { requestId, role } = message
    if (this.#requests.has(requestId)) {
      throw new RemoteProtocolError(`request ${requestId} begins while it is open`)
    }
    const {
      roles = [Role.Responder],
      multiplex = false,
      maxParamsSize = MAX_PARAMS,
    } = this.#options
    if (!roles.includes(role)) {
      this.#refuse(message, ProtocolStatus.UnknownRole)
    } else if (this.#requests.size > 0 && !multiplex) {
      this.#refuse(message, ProtocolStatus.CantMpxConn)
    } else if (this.#closing || this.#requests.size >= MAX_REQUESTS) {
      this.#refuse(message, ProtocolStatus.Overloaded)
    } else {
      this.#requests.set(requestId, new ActiveRequest(message, this, this.#handler, maxParamsSize))
    }
  }

  #refuse(message: BeginRequest, protocolStatus: number): void {
    this.#encoder.endRequest(message.requestId, 0, protocolStatus)
    this.#answer()
    if (!message.keepConn) this.#endWhenIdle()
  }

  #abort(requestId: number): void {
    const request = this.#requests.get(requestId)
    request?.abort(new ClosedError(`the web server aborted request ${requestId}`))
    // §5.4: the answer to an abort is END_REQUEST, and the appStatus is the application's affair.
    if (request) this.end(request, 0, ProtocolStatus.RequestComplete)
  }

  #answerValues(names: readonly string[]): void {
    const known: Record<string, string> = {
      [ValueName.MpxsConns]: this.#options.multiplex ? '1' : '0',
      ...this.#options.values,
    }
    // Each once, however often it is asked for: the answer must fit into one record.
    const asked = [...new Set(names)].filter((name) => Object.hasOwn(known, name))
    this.#encoder.getValuesResult(asked.map((name) => [name, known[name]!]))
    this.#answer()
  }

  #endWhenIdle(): void {
    this.#closing = true
    if (this.#requests.size > 0 || this.#ended) return
    this.#ended = true
    this.#transport.end()
  }

  #answer(): void {
    if (!this.#flush()) this.#blocked = true
  }

  #flush(): boolean {
    const bytes = this.#encoder.take()
    return bytes.length === 0 || this.#transport.write(bytes)
  }

  #holdUp(): void {
    if (this.#paused) return
    if (!this.#blocked && ![...this.#requests.values()].some((request) => request.full)) return
    this.#paused = true
    this.#transport.pause()
  }

  #lose(reason: unknown): void {
    if (this.#closed) return
    this.#closed = true
    for (const request of this.#requests.values()) request.abort(reason)
    this.#requests.clear()
    this.drain()
  }
}

function refuseOutput(type: StreamType): void {
  if (type !== RecordType.Stdout && type !== RecordType.Stderr) return
  throw new RemoteProtocolError(`record of type ${type}: only an application sends it`)
}
