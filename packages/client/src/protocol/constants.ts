// The numbers and names of the FastCGI 1.0 specification, and nothing else.

/** The only protocol version there is (§8 `FCGI_VERSION_1`). */
export const VERSION = 1
/** Bytes of a record header (§3.3). */
export const HEADER_LENGTH = 8
/** The most content that one record can carry: its length has 16 bits (§3.3). */
export const MAX_CONTENT_LENGTH = 0xff_ff
/**
 * The most content that this package puts into one record: the largest multiple of 8, so that it needs no padding.
 * php-fpm resets the connection on a PARAMS record whose content and padding together exceed 65,535 bytes.
 */
export const MAX_ALIGNED_CONTENT_LENGTH = 0xff_f8
/** The request id of management records (§3.3 `FCGI_NULL_REQUEST_ID`). */
export const NULL_REQUEST_ID = 0
/** Bit 0 of a BEGIN_REQUEST's flags: the application leaves the connection open (§5.1 `FCGI_KEEP_CONN`). */
export const KEEP_CONN = 1

/** Record types (§8). */
export const RecordType = {
  BeginRequest: 1,
  AbortRequest: 2,
  EndRequest: 3,
  Params: 4,
  Stdin: 5,
  Stdout: 6,
  Stderr: 7,
  Data: 8,
  GetValues: 9,
  GetValuesResult: 10,
  UnknownType: 11,
} as const
export type RecordType = (typeof RecordType)[keyof typeof RecordType]

/** The record types that form a byte stream which an empty record ends (§3.3). */
export type StreamType =
  | typeof RecordType.Params
  | typeof RecordType.Stdin
  | typeof RecordType.Stdout
  | typeof RecordType.Stderr
  | typeof RecordType.Data

/** What the application is asked to be (§6). */
export const Role = { Responder: 1, Authorizer: 2, Filter: 3 } as const
export type Role = (typeof Role)[keyof typeof Role]

/** How the application ended a request at the protocol level (§5.5). */
export const ProtocolStatus = {
  RequestComplete: 0,
  CantMpxConn: 1,
  Overloaded: 2,
  UnknownRole: 3,
} as const
export type ProtocolStatus = (typeof ProtocolStatus)[keyof typeof ProtocolStatus]

/** The variables that FCGI_GET_VALUES can ask for (§4.1). */
export const ValueName = {
  MaxConns: 'FCGI_MAX_CONNS',
  MaxReqs: 'FCGI_MAX_REQS',
  MpxsConns: 'FCGI_MPXS_CONNS',
} as const
export type ValueName = (typeof ValueName)[keyof typeof ValueName]
