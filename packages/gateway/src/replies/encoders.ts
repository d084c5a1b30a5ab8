// The codings that this Node has, with levels for answers that are made while somebody waits.

import * as zlib from 'node:zlib'

/** A content coding (RFC 9110 §8.4.1). */
export type Encoding = 'zstd' | 'br' | 'gzip'

/** A stream of zlib. */
export type Encoder = zlib.BrotliCompress | zlib.Gzip

// Node has zstd from 22.15 and 23.8 on.
const zstd = (zlib as { createZstdCompress?: () => Encoder }).createZstdCompress

/** The best first: smaller for the same time. */
export const ENCODINGS: readonly Encoding[] = zstd ? ['zstd', 'br', 'gzip'] : ['br', 'gzip']

export function createEncoder(encoding: Encoding): Encoder {
  if (encoding === 'gzip') return zlib.createGzip({ level: 6 })
  if (encoding === 'zstd') return zstd!()
  // Its default of 11 takes many times as long as 4, for little.
  return zlib.createBrotliCompress({ params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 } })
}

/** What makes an encoder give away what it has, so that a page that comes in pieces is seen in pieces. */
export function flushKind(encoding: Encoding): number {
  if (encoding === 'gzip') return zlib.constants.Z_SYNC_FLUSH
  if (encoding === 'br') return zlib.constants.BROTLI_OPERATION_FLUSH
  // ZSTD_e_flush, which the types of Node 20 do not know.
  return 1
}
