// A web server that says exactly what a test says, in raw records, and keeps what the application answers.

import type { Transport } from '@fastcgi/client'
import {
  concatBytes,
  copyBytes,
  Decoder,
  Encoder,
  RecordType,
  Role,
  type Message,
  type StreamType,
} from '@fastcgi/client/protocol'
import type { ResponderHandler, ResponderOptions } from '@fastcgi/client/responder'
import { memoryResponder } from './fetch-backends.js'
import { until } from './requests.js'

/** What it has been sent, one line a record, stream content as text. */
export class WebServer {
  readonly encoder: Encoder = new Encoder()
  readonly log: string[] = []
  closed = false
  #transport!: Transport
  readonly #stdout = new Map<number, Uint8Array[]>()
  readonly #ended = new Map<number, string>()
  readonly #decoder = new Decoder({
    onStream: (type, id, data) => this.#onStream(type, id, copyBytes(data)),
    onStreamEnd: (type, id) => this.log.push(`${id} ${nameOf(type)} end`),
    onMessage: (message) => this.#onMessage(message),
  })

  /** Connects to an application of this package. */
  static async to(handler: ResponderHandler, options: ResponderOptions = {}): Promise<WebServer> {
    const server = new WebServer()
    const connect = memoryResponder(handler, options)
    server.#transport = await connect(
      {
        data: (chunk) => server.#decoder.push(chunk),
        drain: () => {},
        close: () => {
          server.closed = true
        },
      },
      new AbortController().signal,
    )
    return server
  }

  /** Sends what was encoded; false when the application does not keep up. */
  flush(): boolean {
    return this.#transport.write(this.encoder.take())
  }

  send(...bytes: number[]): void {
    this.#transport.write(Uint8Array.from(bytes))
  }

  close(): void {
    this.#transport.destroy()
  }

  /** Reads no more, or goes on. */
  stall(stalled: boolean): void {
    if (stalled) this.#transport.pause()
    else this.#transport.resume()
  }

  /** BEGIN_REQUEST and all params; stdin stays open. */
  begin(
    id: number,
    params: Record<string, string> = {},
    { role = Role.Responder, keepConn = true }: { role?: number; keepConn?: boolean } = {},
  ): void {
    this.encoder.beginRequest(id, role as Role, keepConn)
    this.encoder.params(id, { REQUEST_METHOD: 'GET', ...params })
    this.flush()
  }

  /** Stream content; `undefined` ends the stream. */
  stream(type: StreamType, id: number, text: string | Uint8Array | undefined): boolean {
    if (text === undefined) this.encoder.streamEnd(type, id)
    else this.encoder.stream(type, id, typeof text === 'string' ? Buffer.from(text) : text)
    return this.flush()
  }

  stdin(id: number, text?: string | Uint8Array): boolean {
    return this.stream(RecordType.Stdin, id, text)
  }

  /** A whole request without a body; resolves with how it ended. */
  async get(id: number, params?: Record<string, string>): Promise<string> {
    this.begin(id, params)
    this.stdin(id)
    return this.end(id)
  }

  /** Waits for END_REQUEST: `appStatus/protocolStatus`. */
  async end(id: number): Promise<string> {
    await until(() => this.#ended.has(id))
    const end = this.#ended.get(id)!
    this.#ended.delete(id)
    return end
  }

  /** Stdout of a request so far, as text; forgets it. */
  stdout(id: number): string {
    const parts = this.#stdout.get(id) ?? []
    this.#stdout.delete(id)
    return Buffer.from(concatBytes(parts)).toString()
  }

  #onStream(type: StreamType, id: number, data: Uint8Array): void {
    this.log.push(`${id} ${nameOf(type)} ${Buffer.from(data).toString()}`)
    if (type !== RecordType.Stdout) return
    const parts = this.#stdout.get(id) ?? []
    parts.push(data)
    this.#stdout.set(id, parts)
  }

  #onMessage(message: Message): void {
    if (message.type === RecordType.EndRequest) {
      const end = `${message.appStatus}/${message.protocolStatus}`
      this.log.push(`${message.requestId} end ${end}`)
      this.#ended.set(message.requestId, end)
    } else if (message.type === RecordType.GetValuesResult) {
      this.log.push(`values ${JSON.stringify([...message.values])}`)
    } else if (message.type === RecordType.UnknownType) {
      this.log.push(`unknown type ${message.unknownType}`)
    } else {
      this.log.push(`message of type ${message.type}`)
    }
  }
}

function nameOf(type: StreamType): string {
  return type === RecordType.Stdout ? 'stdout' : type === RecordType.Stderr ? 'stderr' : `${type}`
}
