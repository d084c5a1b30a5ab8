// A stream that comes in by records and is read by an application: when it is not read, the connection is held up.

import { RemoteProtocolError } from '../errors.ts'
import { copyBytes } from '../protocol/index.ts'

const HIGH_WATER = 64 * 1024

/** One of the streams of a request (stdin, data). */
export class IncomingBody {
  readonly stream: ReadableStream<Uint8Array>
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined
  #expected: number | undefined
  #received = 0

  /** @param onPull Called when there is room again. */
  constructor(onPull: () => void) {
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller
        },
        pull: onPull,
        cancel: () => {
          this.#controller = undefined
          onPull()
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: HIGH_WATER }),
    )
  }

  /** True while more is waiting than should be. */
  get full(): boolean {
    return this.#controller !== undefined && (this.#controller.desiredSize ?? 0) <= 0
  }

  /** Sets how many bytes have to come. An upload that is cut short must not be taken for a whole one (§6.2). @default any number */
  expect(length: number | undefined): void {
    this.#expected = length
  }

  /** Adds a copy of the data; drops it when nobody will read it. */
  push(data: Uint8Array): void {
    this.#received += data.length
    if (this.#received > (this.#expected ?? Infinity)) this.fail(this.#wrongLength())
    else this.#controller?.enqueue(copyBytes(data))
  }

  end(): void {
    if (this.#received !== (this.#expected ?? this.#received)) this.fail(this.#wrongLength())
    this.#controller?.close()
    this.#controller = undefined
  }

  fail(error: unknown): void {
    this.#controller?.error(error)
    this.#controller = undefined
  }

  #wrongLength(): RemoteProtocolError {
    return new RemoteProtocolError(
      `stdin has ${this.#received} bytes so far and CONTENT_LENGTH is ${this.#expected}`,
    )
  }
}
