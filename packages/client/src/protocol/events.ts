// What a peer can say, apart from stream content: one union. Stream content has no object of its own, it is on the hot path.

import type { RecordType, StreamType } from './constants.ts'

/** The web server begins a request (§5.1). `role` is as received and may be unknown. */
export interface BeginRequest {
  readonly type: typeof RecordType.BeginRequest
  readonly requestId: number
  readonly role: number
  readonly keepConn: boolean
}

/** The web server gives up a request (§5.4). */
export interface AbortRequest {
  readonly type: typeof RecordType.AbortRequest
  readonly requestId: number
}

/** The application ends a request (§5.5). `protocolStatus` is as received and may be unknown. */
export interface EndRequest {
  readonly type: typeof RecordType.EndRequest
  readonly requestId: number
  /** 32 bits, unsigned: the exit status of a CGI program. */
  readonly appStatus: number
  readonly protocolStatus: number
}

/** The web server asks for variables (§4.1). */
export interface GetValues {
  readonly type: typeof RecordType.GetValues
  readonly requestId: 0
  readonly names: readonly string[]
}

/** The application answers with the variables that it knows (§4.1). */
export interface GetValuesResult {
  readonly type: typeof RecordType.GetValuesResult
  readonly requestId: 0
  readonly values: ReadonlyMap<string, string>
}

/** The application does not know the type of a management record (§4.2). */
export interface UnknownType {
  readonly type: typeof RecordType.UnknownType
  readonly requestId: 0
  readonly unknownType: number
}

/** A record whose type the specification does not name; its content was skipped. */
export interface UnknownRecord {
  readonly type: 'unknown'
  readonly requestId: number
  readonly recordType: number
}

/** Every record that is not part of a stream. */
export type Message =
  | BeginRequest
  | AbortRequest
  | EndRequest
  | GetValues
  | GetValuesResult
  | UnknownType
  | UnknownRecord

/** What a {@link Decoder} calls as bytes arrive. A sink that throws stops the decoder for good. */
export interface RecordSink {
  /**
   * A piece of a stream, at least one byte, as soon as it is there: a record may come in many pieces.
   * `data` is valid only during the call; who keeps it copies it.
   */
  onStream(type: StreamType, requestId: number, data: Uint8Array): void
  /** An empty stream record: that stream has ended. */
  onStreamEnd(type: StreamType, requestId: number): void
  /** A record that is not part of a stream, whole. */
  onMessage(message: Message): void
}
