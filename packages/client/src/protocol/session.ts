// Rule 1: whatever decides which record may come next lives in this file, as two tables.
// Rule 2: nothing here knows sockets, HTTP or time; it is told what was sent and what arrived.
// Rule 3: request ids go round from 1 to 255, so a late record of the request before is seen as stray and never as an answer.

import { LocalProtocolError, RemoteProtocolError } from '../errors.ts'
import { RecordType, Role, type StreamType } from './constants.ts'
import type { EndRequest, Message, RecordSink } from './events.ts'

// Small ids, because applications index arrays by them.
const MAX_ID = 255

/** What the web server may say about a request, by state. A responder has no DATA, so its stdin's end completes the request. */
const ON_SEND = {
  params: { paramsEnd: 'stdin', abort: 'aborted' },
  stdin: { stdin: 'stdin', stdinEnd: 'sent', abort: 'aborted' },
  filterParams: { paramsEnd: 'filterStdin', abort: 'aborted' },
  filterStdin: { stdin: 'filterStdin', stdinEnd: 'data', abort: 'aborted' },
  data: { data: 'data', dataEnd: 'sent', abort: 'aborted' },
  sent: { abort: 'aborted' },
  // The application still has to answer with END_REQUEST (§5.4).
  aborted: {},
} as const satisfies Record<string, Partial<Record<SendMove, string>>>

/** What the application may say about a request, by state. An end of stdout or stderr is optional: php-fpm sends none. */
const ON_RECEIVE = {
  open: {
    stdout: 'open',
    stderr: 'open',
    stdoutEnd: 'noStdout',
    stderrEnd: 'noStderr',
    end: 'done',
  },
  noStdout: { stderr: 'noStdout', stderrEnd: 'neither', end: 'done' },
  noStderr: { stdout: 'noStderr', stdoutEnd: 'neither', end: 'done' },
  neither: { end: 'done' },
} as const satisfies Record<string, Partial<Record<ReceiveMove, string>>>

/** What this side does to a request. */
export type SendMove = 'paramsEnd' | 'stdin' | 'stdinEnd' | 'data' | 'dataEnd' | 'abort'
type ReceiveMove = 'stdout' | 'stdoutEnd' | 'stderr' | 'stderrEnd' | 'end'
type SendState = keyof typeof ON_SEND
type ReceiveState = keyof typeof ON_RECEIVE

interface RequestState {
  readonly id: number
  sending: SendState
  receiving: ReceiveState
}

/** What a {@link Session} tells its owner; only about requests that it began. */
export interface SessionHandler {
  /** `data` is valid only during the call. */
  onStdout(requestId: number, data: Uint8Array): void
  /** `data` is valid only during the call. */
  onStderr(requestId: number, data: Uint8Array): void
  /** The request is over. `sentAll` is false when this side had not finished sending it. */
  onEnd(end: EndRequest, sentAll: boolean): void
}

/** The web server's side of a connection: which requests are open, and what may be said about each. */
export class Session implements RecordSink {
  readonly #handler: SessionHandler
  // A list that is searched: it mostly holds one, for which a Map is slow and has to be rebuilt every few requests.
  readonly #requests: RequestState[] = []
  #lastId = 0

  constructor(handler: SessionHandler) {
    this.#handler = handler
  }

  /** How many requests are open. */
  get size(): number {
    return this.#requests.length
  }

  /** Begins a request and returns its id. @throws LocalProtocolError when 255 are open. */
  begin(role: Role): number {
    if (this.#requests.length >= MAX_ID) {
      throw new LocalProtocolError(`${MAX_ID} requests are open on this connection`)
    }
    do {
      this.#lastId = (this.#lastId % MAX_ID) + 1
    } while (this.#find(this.#lastId))
    const sending = role === Role.Filter ? 'filterParams' : 'params'
    this.#requests.push({ id: this.#lastId, sending, receiving: 'open' })
    return this.#lastId
  }

  /** Takes a request back of which nothing was sent yet. */
  cancel(requestId: number): void {
    const request = this.#find(requestId)
    if (request) this.#remove(request)
  }

  /** Records that this side says something. @throws LocalProtocolError when it may not. */
  send(requestId: number, move: SendMove): void {
    const request = this.#find(requestId)
    const moves: Partial<Record<SendMove, SendState>> | undefined =
      request && ON_SEND[request.sending]
    const next = moves?.[move]
    if (!request || next === undefined) {
      throw new LocalProtocolError(
        `${move} on request ${requestId}, which ${request ? `is in state ${request.sending}` : 'is not open'}`,
      )
    }
    request.sending = next
  }

  onStream(type: StreamType, requestId: number, data: Uint8Array): void {
    if (type === RecordType.Stdout) {
      this.#receive(requestId, 'stdout')
      this.#handler.onStdout(requestId, data)
    } else if (type === RecordType.Stderr) {
      this.#receive(requestId, 'stderr')
      this.#handler.onStderr(requestId, data)
    } else {
      throw wrongDirection(type, requestId)
    }
  }

  onStreamEnd(type: StreamType, requestId: number): void {
    if (type === RecordType.Stdout) this.#receive(requestId, 'stdoutEnd')
    else if (type === RecordType.Stderr) this.#receive(requestId, 'stderrEnd')
    else throw wrongDirection(type, requestId)
  }

  onMessage(message: Message): void {
    switch (message.type) {
      case RecordType.EndRequest: {
        const request = this.#receive(message.requestId, 'end')
        this.#remove(request)
        this.#handler.onEnd(message, request.sending === 'sent')
        return
      }
      // Nothing was asked that these could answer; the specification gives the web server nothing to do about them.
      case RecordType.UnknownType:
      case RecordType.GetValuesResult:
      case 'unknown':
        return
      default:
        throw wrongDirection(message.type, message.requestId)
    }
  }

  #find(requestId: number): RequestState | undefined {
    for (const request of this.#requests) if (request.id === requestId) return request
    return undefined
  }

  /** Their order means nothing: the last takes the place of the one that goes. */
  #remove(request: RequestState): void {
    const last = this.#requests.pop()!
    if (last !== request) this.#requests[this.#requests.indexOf(request)] = last
  }

  #receive(requestId: number, move: ReceiveMove): RequestState {
    const request = this.#find(requestId)
    if (!request) {
      throw new RemoteProtocolError(
        `${move} for request id ${requestId}, which is not open on this connection`,
      )
    }
    const moves: Partial<Record<ReceiveMove, string>> = ON_RECEIVE[request.receiving]
    const next = moves[move]
    if (next === undefined) {
      throw new RemoteProtocolError(`${move} for request ${requestId} after that stream's end`)
    }
    if (next !== 'done') request.receiving = next as ReceiveState
    return request
  }
}

function wrongDirection(type: number, requestId: number): RemoteProtocolError {
  return new RemoteProtocolError(
    `record of type ${type} for request ${requestId}: only a web server sends it`,
  )
}
