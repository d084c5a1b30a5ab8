// The door of the protocol floor: FastCGI 1.0 without any input or output. Runs wherever JavaScript does.

export { concatBytes, copyBytes } from './bytes.ts'
export * from './constants.ts'
export { Decoder } from './decoder.ts'
export { Encoder, type ParamsEncoding } from './encoder.ts'
export type {
  AbortRequest,
  BeginRequest,
  EndRequest,
  GetValues,
  GetValuesResult,
  Message,
  RecordSink,
  UnknownRecord,
  UnknownType,
} from './events.ts'
export {
  decodePairs,
  encodePair,
  paramPairs,
  paramText,
  PreparedParams,
  preparedList,
  prepareParams,
  type ParamName,
  type ParamPair,
  type Params,
  type ParamValue,
  type RawPair,
} from './params.ts'
export { Session, type SendMove, type SessionHandler } from './session.ts'
