// The answer as a web Response: resolved by the head, its body a stream that tells when more is wanted.

import { STATUS_CODES } from 'node:http'
import type { HeaderFields } from '../http.ts'
import type { Outcome, RecordedReply } from './reply-record.ts'

// Writing is to stop while this many bytes of a body wait to be taken.
const HIGH_WATER = 64 * 1024
// Responses with these statuses have no body (RFC 9110 §15); the constructor of Response refuses one.
const NO_BODY: ReadonlySet<number> = new Set([204, 205, 304])

// The name of a field, and what neither a value nor a status text has (RFC 9110 §5.1, §5.5).
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/
// eslint-disable-next-line no-control-regex -- they are what must not be there
const NOT_TEXT = /[^\t\x20-\x7e\x80-\xff]/

interface Head {
  readonly status: number
  readonly statusText: string
  readonly headers: Record<string, string> | [string, string][]
}

export class WebReply implements RecordedReply {
  /** Rejects when the answer is aborted before its head. */
  readonly response: Promise<Response>
  readonly #method: string
  readonly #signal: AbortSignal
  readonly #onAbort = (): void => this.#leave(this.#signal.reason)
  #resolve!: (response: Response) => void
  #reject!: (reason: unknown) => void
  #head: Head | undefined
  #stream: ReadableStreamDefaultController<Uint8Array> | undefined
  #begun = false
  #ended = false
  #bytes = 0
  #outcome: Outcome | undefined
  #drain: (() => void) | undefined
  #closers: (() => void)[] = []

  constructor(request: Request) {
    this.#method = request.method
    this.#signal = request.signal
    this.response = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    if (this.#signal.aborted) queueMicrotask(this.#onAbort)
    else this.#signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  get headSent(): boolean {
    return this.#head !== undefined
  }

  get status(): number {
    return this.#head?.status ?? 0
  }

  get bytes(): number {
    return this.#bytes
  }

  get outcome(): Outcome | undefined {
    return this.#outcome
  }

  /** A Response has no interim responses. */
  informational(): void {}

  head(status: number, statusText: string, headers: HeaderFields): void {
    if (this.#ended || this.#outcome) return
    const text = statusText || (STATUS_CODES[status] ?? '')
    // Refuses here what the Response would refuse, while another head can still be sent.
    if (!(status >= 200 && status <= 599)) throw new RangeError(`no Response has status ${status}`)
    checkText('the status text', text)
    this.#head = { status, statusText: text, headers: headersInit(headers) }
    // Bytes that come along with the head need no stream; an event stream may have none for long.
    queueMicrotask(() => this.#begin())
  }

  write(chunk: Uint8Array): boolean {
    if (this.#ended || this.#outcome || chunk.length === 0) return true
    this.#begin()
    const stream = this.#stream
    if (!stream) return true
    this.#bytes += chunk.length
    stream.enqueue(chunk)
    return (stream.desiredSize ?? 1) > 0
  }

  end(chunk?: Uint8Array): void {
    if (this.#ended || this.#outcome) return
    const head = this.#head
    if (head && !this.#begun) {
      this.#begun = true
      const body = this.#hasBody(head) ? chunk : undefined
      this.#bytes += body?.length ?? 0
      this.#resolve(new Response(body ? owned(body) : null, head))
    } else if (chunk) {
      this.write(chunk)
    }
    this.#ended = true
    this.#finish()
  }

  abort(reason: unknown = new Error('the answer was aborted')): void {
    if (this.#outcome) return
    this.#fail(reason)
    this.#close('aborted')
  }

  /** Somebody else answers: nothing goes out from here. */
  handOn(): void {
    if (!this.#outcome) this.#close('closed')
  }

  onDrain(callback: () => void): void {
    this.#drain = callback
  }

  onClose(callback: () => void): void {
    if (this.#outcome) callback()
    else this.#closers.push(callback)
  }

  #hasBody({ status }: Head): boolean {
    return this.#method !== 'HEAD' && !NO_BODY.has(status)
  }

  /** Hands the Response out, with a stream for what is to come. */
  #begin(): void {
    const head = this.#head
    if (this.#begun || this.#outcome || !head) return
    this.#begun = true
    this.#resolve(new Response(this.#hasBody(head) ? this.#openStream() : null, head))
  }

  #openStream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#stream = controller
        },
        pull: () => (this.#ended ? this.#finish() : this.#drain?.()),
        cancel: (reason: unknown) => {
          this.#stream = undefined
          this.#leave(reason)
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: HIGH_WATER }),
    )
  }

  /** An answer is over when its last chunk has been taken, which the stream tells by asking for more. */
  #finish(): void {
    if (this.#stream && this.#stream.desiredSize !== HIGH_WATER) return
    this.#stream?.close()
    this.#close('complete')
  }

  /** The client wants no more. */
  #leave(reason: unknown): void {
    if (this.#outcome) return
    this.#fail(reason)
    this.#close('closed')
  }

  #fail(reason: unknown): void {
    this.#reject(reason)
    this.#stream?.error(reason)
  }

  #close(outcome: Outcome): void {
    this.#outcome = outcome
    this.#signal.removeEventListener('abort', this.#onAbort)
    const closers = this.#closers
    this.#closers = []
    for (const closer of closers) closer()
  }
}

/** A record is read by a Response in a third of the time that a list takes; it has room for one field of a name. */
function headersInit(fields: HeaderFields): Record<string, string> | [string, string][] {
  const record: Record<string, string> = {}
  let names = 0
  for (const [name, value] of fields) {
    if (!TOKEN.test(name)) throw new TypeError(`${JSON.stringify(name)} is no name of a header`)
    checkText(name, value)
    // What every object has counts as taken, too.
    if (name in record) break
    record[name] = value
    names++
  }
  return names === fields.length ? record : checkedList(fields)
}

function checkedList(fields: HeaderFields): [string, string][] {
  return fields.map(([name, value]) => {
    if (!TOKEN.test(name)) throw new TypeError(`${JSON.stringify(name)} is no name of a header`)
    checkText(name, value)
    return [name, value]
  })
}

function checkText(what: string, text: string): void {
  if (NOT_TEXT.test(text)) throw new TypeError(`${what} has a character that HTTP cannot carry`)
}

/** Response's types ask for bytes that nobody shares. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>
}
