// One request on the application side: collects its params, feeds its streams, runs its handler, and ends once.

import { ClosedError, RemoteProtocolError } from '../errors.ts'
import {
  concatBytes,
  copyBytes,
  decodePairs,
  paramText,
  ProtocolStatus,
  RecordType,
  type BeginRequest,
  type StreamType,
} from '../protocol/index.ts'
import { IncomingBody } from './body.ts'
import type { ResponderHandler, ResponderReply } from './request.ts'

/** The connection of a request, as far as the request needs it. */
export interface RequestHost {
  /** Sends stream content; resolves when the connection takes more. */
  write(type: StreamType, requestId: number, data: Uint8Array): Promise<void>
  /** Sends the ends of these streams and END_REQUEST, and forgets the request. */
  end(request: ActiveRequest, appStatus: number, protocolStatus: number): void
  /** Closes the connection now. */
  destroy(): void
  /** There is room again for what the web server sends. */
  onRoom(): void
}

const utf8 = new TextEncoder()

export class ActiveRequest implements ResponderReply {
  readonly id: number
  readonly role: number
  readonly keepConn: boolean
  readonly #host: RequestHost
  readonly #handler: ResponderHandler
  readonly #maxParamsSize: number
  readonly #abort = new AbortController()
  readonly #stdin: IncomingBody
  readonly #data: IncomingBody
  #params: Uint8Array[] | undefined = []
  #paramsSize = 0
  #over = false
  /** The streams that were written to, and so have to be ended. */
  readonly written: Set<StreamType> = new Set<StreamType>([RecordType.Stdout])

  constructor(
    begin: BeginRequest,
    host: RequestHost,
    handler: ResponderHandler,
    maxParamsSize: number,
  ) {
    this.id = begin.requestId
    this.role = begin.role
    this.keepConn = begin.keepConn
    this.#host = host
    this.#handler = handler
    this.#maxParamsSize = maxParamsSize
    this.#stdin = new IncomingBody(() => host.onRoom())
    this.#data = new IncomingBody(() => host.onRoom())
  }

  /** True while the application reads slower than the web server sends. */
  get full(): boolean {
    return this.#stdin.full || this.#data.full
  }

  /** @throws RemoteProtocolError on params that are too large or out of place. */
  receive(type: StreamType, data: Uint8Array): void {
    if (type === RecordType.Params) this.#addParams(data)
    else this.#bodyOf(type).push(data)
  }

  /** @throws RemoteProtocolError on params that cannot be read. */
  receiveEnd(type: StreamType): void {
    if (type === RecordType.Params) this.#start()
    else this.#bodyOf(type).end()
  }

  /** The web server does not want an answer any more. */
  abort(reason: unknown): void {
    this.#over = true
    this.#abort.abort(reason)
    this.#stdin.fail(reason)
    this.#data.fail(reason)
  }

  stdout(data: string | Uint8Array): Promise<void> {
    return this.#write(RecordType.Stdout, data)
  }

  stderr(data: string | Uint8Array): Promise<void> {
    return this.#write(RecordType.Stderr, data)
  }

  destroy(): void {
    if (!this.#over) this.#host.destroy()
  }

  end(appStatus = 0): void {
    if (this.#over) return
    this.#over = true
    this.#host.end(this, appStatus, ProtocolStatus.RequestComplete)
    const over = new ClosedError('the request is over')
    this.#stdin.fail(over)
    this.#data.fail(over)
  }

  #bodyOf(type: StreamType): IncomingBody {
    if (this.#params) throw new RemoteProtocolError(`stdin of request ${this.id} before its params`)
    return type === RecordType.Data ? this.#data : this.#stdin
  }

  #addParams(data: Uint8Array): void {
    this.#paramsSize += data.length
    if (!this.#params) throw new RemoteProtocolError(`params of request ${this.id} after their end`)
    if (this.#paramsSize > this.#maxParamsSize) {
      throw new RemoteProtocolError(
        `the params of request ${this.id} are larger than maxParamsSize, ${this.#maxParamsSize} bytes`,
      )
    }
    this.#params.push(copyBytes(data))
  }

  #start(): void {
    if (!this.#params) throw new RemoteProtocolError(`params of request ${this.id} ended twice`)
    const rawParams = decodePairs(concatBytes(this.#params))
    this.#params = undefined
    const params = new Map(rawParams.map(([name, value]) => [paramText(name), paramText(value)]))
    this.#stdin.expect(contentLength(params))
    const { role, keepConn } = this
    const request = {
      role,
      keepConn,
      params,
      rawParams,
      stdin: this.#stdin.stream,
      data: this.#data.stream,
      signal: this.#abort.signal,
    }
    // Not within the decoder: what a handler throws is not the web server's fault.
    void Promise.resolve()
      .then(() => this.#handler(request, this))
      .then(
        (appStatus) => this.end(appStatus ?? 0),
        (error: unknown) => this.#fail(error),
      )
  }

  #fail(error: unknown): void {
    if (this.#over) return
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    // Whether the web server takes it or not, the request ends.
    this.stderr(text).catch(() => {})
    this.end(1)
  }

  async #write(type: StreamType, data: string | Uint8Array): Promise<void> {
    if (this.#over) throw new ClosedError(`request ${this.id} is over: nothing more can be written`)
    const bytes = typeof data === 'string' ? utf8.encode(data) : data
    if (bytes.length === 0) return
    this.written.add(type)
    await this.#host.write(type, this.id, bytes)
  }
}

/** What CONTENT_LENGTH promises, in bytes; undefined when it is missing or says nothing. */
function contentLength(params: ReadonlyMap<string, string>): number | undefined {
  const text = params.get('CONTENT_LENGTH') ?? ''
  return /^\d+$/.test(text) ? Number(text) : undefined
}
