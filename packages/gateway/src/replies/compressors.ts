// The codings that this runtime has, and how hard each of them tries.

import type { Transform } from 'node:stream'
import * as zlib from 'node:zlib'
import type { ContentCoding } from './content-coding.ts'

/** A compressor of node:zlib: it works in threads of its own, so that nobody waits for it. */
export interface Compressor extends Transform {
  flush(kind: number, callback?: () => void): void
}

interface Coding {
  readonly name: ContentCoding
  create(): Compressor
  /** Has what came so far go out, whole, so that a reader can decode it. */
  readonly flushKind: number
}

/** What Node.js has had since 22.15 and 23.8; others may not. */
interface ZstdModule {
  readonly createZstdCompress?: (options: object) => Compressor
}

const { constants } = zlib
// ZSTD_c_compressionLevel and ZSTD_e_flush: their names are not among the constants of a Node.js without zstd.
const ZSTD_LEVEL = 100
const ZSTD_FLUSH = 1

// Level 4 compresses better than gzip at its best, in about the time that gzip takes at 6; from 5 on each level costs twice as much. And a
// window of 256 KiB, because the usual one of 4 MiB is taken for each answer.
const brotli: Coding = {
  name: 'br',
  create: () =>
    zlib.createBrotliCompress({
      params: {
        [constants.BROTLI_PARAM_QUALITY]: 4,
        [constants.BROTLI_PARAM_LGWIN]: 18,
        [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
      },
    }),
  flushKind: constants.BROTLI_OPERATION_FLUSH,
}

// Level 6, which zlib itself takes for the knee of the curve: 9 costs twice the time for one percent.
const gzip: Coding = {
  name: 'gzip',
  create: () => zlib.createGzip({ level: 6 }),
  flushKind: constants.Z_SYNC_FLUSH,
}

/** In the order in which they are preferred: the smallest first. */
export const CODINGS: readonly Coding[] = [brotli, ...zstd(), gzip]

export const CODING_NAMES: readonly ContentCoding[] = CODINGS.map(({ name }) => name)

/** Level 3, its own default: as good as brotli at 4 for most pages, and faster. Browsers decode windows of up to 8 MiB (RFC 9659). */
function zstd(): readonly Coding[] {
  const { createZstdCompress } = zlib as ZstdModule
  if (!createZstdCompress) return []
  return [
    {
      name: 'zstd',
      create: () => createZstdCompress({ params: { [ZSTD_LEVEL]: 3 } }),
      flushKind: ZSTD_FLUSH,
    },
  ]
}
