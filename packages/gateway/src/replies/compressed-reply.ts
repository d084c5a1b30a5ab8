// A reply that compresses what goes through it, when its head says that this is worth it.

import type { HeaderFields, Reply } from '../http.ts'
import { createEncoder, flushKind, type Encoder, type Encoding } from './encoders.ts'
import type { CompressRules } from './rules.ts'

export interface CompressSetting {
  readonly rules: CompressRules
  /** What the client takes; undefined when it takes none of ours. */
  readonly encoding: Encoding | undefined
  /** The request is HEAD: its answer has the fields of a GET's, and no body. */
  readonly head: boolean
}

// They have no body, or a part of one whose bytes are counted in another coding.
const NOT_THESE: ReadonlySet<number> = new Set([204, 205, 206, 304])

// What an answer says of its bytes is no longer true of others.
const OF_OTHER_BYTES = [
  'accept-ranges',
  'content-digest',
  'content-length',
  'content-md5',
  'digest',
  'etag',
  'repr-digest',
]

export class CompressedReply implements Reply {
  readonly #reply: Reply
  readonly #setting: CompressSetting
  #encoder: Encoder | undefined
  #flushing = false
  #offer: () => void = () => {}

  constructor(reply: Reply, setting: CompressSetting) {
    this.#reply = reply
    this.#setting = setting
    reply.onDrain(() => this.#onDrain())
  }

  get headSent(): boolean {
    return this.#reply.headSent
  }

  informational(status: number, headers: HeaderFields): void {
    this.#reply.informational(status, headers)
  }

  head(status: number, statusText: string, headers: HeaderFields): void {
    const fields = new Fields(headers)
    if (!isWorthIt(status, fields, this.#setting.rules)) {
      this.#reply.head(status, statusText, headers)
      return
    }
    const { encoding, head } = this.#setting
    this.#reply.head(status, statusText, encoding ? encoded(fields, encoding) : varied(fields))
    // A head that is refused is followed by that of an error page.
    if (encoding && !head) this.#open(encoding)
  }

  write(chunk: Uint8Array): boolean {
    const encoder = this.#encoder
    if (!encoder) return this.#reply.write(chunk)
    this.#flushSoon(encoder)
    return encoder.write(chunk)
  }

  end(chunk?: Uint8Array): void {
    if (!this.#encoder) this.#reply.end(chunk)
    else if (chunk) this.#encoder.end(chunk)
    else this.#encoder.end()
  }

  abort(reason?: unknown): void {
    this.#encoder?.destroy()
    this.#reply.abort(reason)
  }

  onDrain(callback: () => void): void {
    this.#offer = callback
  }

  onClose(callback: () => void): void {
    this.#reply.onClose(callback)
  }

  #open(encoding: Encoding): void {
    const encoder = createEncoder(encoding)
    this.#encoder = encoder
    encoder.on('data', (bytes: Uint8Array) => {
      if (!this.#reply.write(bytes)) encoder.pause()
    })
    encoder.on('end', () => this.#reply.end())
    encoder.on('drain', () => this.#offer())
    encoder.on('error', (error) => this.#reply.abort(error))
    this.#reply.onClose(() => encoder.destroy())
  }

  #onDrain(): void {
    if (this.#encoder) this.#encoder.resume()
    else this.#offer()
  }

  /** When nothing more comes in this turn, what there is goes out: the rest of the page may take its time. */
  #flushSoon(encoder: Encoder): void {
    if (this.#flushing) return
    this.#flushing = true
    setImmediate(() => {
      this.#flushing = false
      if (!encoder.destroyed && !encoder.writableEnded) {
        encoder.flush(flushKind(this.#setting.encoding!))
      }
    })
  }
}

/** Header fields by their names in lower case. */
class Fields {
  readonly list: HeaderFields

  constructor(list: HeaderFields) {
    this.list = list
  }

  /** Several of one name are joined as HTTP joins them. */
  get(name: string): string | undefined {
    const values = this.list.filter(([key]) => key.toLowerCase() === name)
    return values.length > 0 ? values.map(([, value]) => value).join(', ') : undefined
  }

  without(...names: string[]): (readonly [string, string])[] {
    return this.list.filter(([key]) => !names.includes(key.toLowerCase()))
  }
}

function isWorthIt(
  status: number,
  fields: Fields,
  { minSize, isWorthIt: fits }: CompressRules,
): boolean {
  if (status < 200 || NOT_THESE.has(status) || fields.get('content-encoding') !== undefined)
    return false
  const type = (fields.get('content-type') ?? '').split(';', 1)[0]!.trim().toLowerCase()
  // Events are small and must not wait for each other.
  if (type === '' || type === 'text/event-stream' || !fits(type)) return false
  if (Number(fields.get('content-length') ?? Infinity) < minSize) return false
  return !/\bno-transform\b/i.test(fields.get('cache-control') ?? '')
}

function encoded(fields: Fields, encoding: Encoding): HeaderFields {
  const etag = fields.get('etag')
  const kept = new Fields(fields.without(...OF_OTHER_BYTES))
  const more: [string, string][] = [['content-encoding', encoding]]
  // Other bytes: the same only in meaning (RFC 9110 §8.8.1).
  if (etag !== undefined) more.push(['etag', etag.startsWith('W/') ? etag : `W/${etag}`])
  return [...varied(kept), ...more]
}

/** Whoever keeps the answer must know that it depends on what is accepted. */
function varied(fields: Fields): HeaderFields {
  const vary = fields.get('vary')
  if (vary === undefined) return [...fields.list, ['vary', 'Accept-Encoding']]
  if (/(?:^|,)\s*(?:\*|accept-encoding)\s*(?:,|$)/i.test(vary)) return fields.list
  return [...fields.without('vary'), ['vary', `${vary}, Accept-Encoding`]]
}
