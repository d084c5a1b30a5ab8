// FCGI_GET_VALUES, on a connection of its own: some backends close it, some never answer, and neither may cost a request.

import { now } from '../connection/alarm.ts'
import { dial } from '../connection/dial.ts'
import type { RequestOptions } from '../connection/request.ts'
import { ClosedError, SocketError, TimeoutError } from '../errors.ts'
import { Decoder, Encoder, RecordType, ValueName } from '../protocol/index.ts'
import type { CheckedOptions } from './options.ts'

/** @throws ConnectError, SocketError, TimeoutError, RemoteProtocolError; the signal's reason. */
export async function queryValues(
  names: Iterable<string> = Object.values(ValueName),
  client: CheckedOptions,
  options: RequestOptions,
): Promise<Map<string, string>> {
  const { signal } = options
  signal?.throwIfAborted()
  const timeout = options.headersTimeout ?? client.headersTimeout
  const giveUp = new AbortController()
  const abort = (): void => giveUp.abort(signal?.reason)
  signal?.addEventListener('abort', abort, { once: true })
  const encoder = new Encoder()
  encoder.getValues(names)
  const query = new ValuesQuery(client.address)
  const startedAt = now()
  let timer: ReturnType<typeof setTimeout> | undefined
  try {
    const transport = await dial(query, client, giveUp)
    try {
      giveUp.signal.addEventListener('abort', () => query.fail(giveUp.signal.reason))
      if (timeout > 0) {
        const rest = Math.max(timeout - (now() - startedAt), 0)
        timer = setTimeout(() => query.fail(unanswered(client.address, timeout)), rest)
      }
      transport.write(encoder.take())
      return await query.values
    } finally {
      transport.destroy()
    }
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}

class ValuesQuery {
  readonly values: Promise<Map<string, string>>
  readonly #address: string
  #resolve!: (values: Map<string, string>) => void
  #reject!: (error: unknown) => void
  readonly #decoder = new Decoder({
    onStream: () => {},
    onStreamEnd: () => {},
    onMessage: (message) => {
      if (message.type === RecordType.GetValuesResult) this.#resolve(new Map(message.values))
    },
  })

  constructor(address: string) {
    this.#address = address
    this.values = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Whoever waits for the connection looks at this only later.
    this.values.catch(() => {})
  }

  data(chunk: Uint8Array): void {
    try {
      this.#decoder.push(chunk)
    } catch (error) {
      this.#reject(error)
    }
  }

  drain(): void {}

  close(reason?: Error): void {
    this.fail(
      new SocketError(
        `${this.#address} closed the connection without an answer to FCGI_GET_VALUES`,
        reason && { cause: reason },
      ),
    )
  }

  fail(error: unknown): void {
    this.#reject(error ?? new ClosedError('given up'))
  }
}

function unanswered(address: string, timeout: number): TimeoutError {
  return new TimeoutError(
    'headers',
    `${address} did not answer FCGI_GET_VALUES within ${timeout} ms (headersTimeout): many backends never do`,
  )
}
