// Servers of node:http and node:http2 with the limits that keep one client from taking all of them.

import { readFileSync } from 'node:fs'
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import {
  createSecureServer,
  createServer as createHttp2Server,
  type Http2SecureServer,
  type Http2Server,
} from 'node:http2'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import type { CheckedLimits } from './check-options.ts'
import type { Scheme } from './endpoint.ts'
import type { TlsOptions } from './options.ts'

export type NodeServer = HttpServer | Http2Server | Http2SecureServer

/** How often connections are looked at that have not sent a whole head, in ms. */
const CHECK_INTERVAL = 2000
/** For a TLS handshake, in ms. */
const HANDSHAKE_TIMEOUT = 10_000

/** @throws Error in one sentence on a certificate that cannot be used. */
export function createNodeServer(
  scheme: Scheme,
  limits: CheckedLimits,
  tls: TlsOptions | undefined,
): NodeServer {
  const server = create(scheme, limits, tls)
  // No limit is 0 in the options, and the absence of one in node:net.
  if (limits.maxConnections > 0) server.maxConnections = limits.maxConnections
  return server
}

/** The certificate and key, read and tried. @throws Error in one sentence. */
export function readTls({ cert, key, passphrase, minVersion }: TlsOptions): SecureContextOptions {
  const context: SecureContextOptions = {
    cert: pem('tls.cert', cert),
    key: pem('tls.key', key),
    minVersion: minVersion ?? 'TLSv1.2',
    ...(passphrase !== undefined && { passphrase }),
  }
  try {
    createSecureContext(context)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Error(
      `tls.cert and tls.key cannot be used together: ${why}; the key must be the one that the certificate was made for`,
      { cause },
    )
  }
  return context
}

function create(scheme: Scheme, limits: CheckedLimits, tls: TlsOptions | undefined): NodeServer {
  if (scheme === 'h2c') return createHttp2Server(http2Options(limits))
  const options = http1Options(limits)
  if (scheme === 'http' || tls === undefined) {
    return Object.assign(createHttpServer(options), AFTERWARDS, afterwards(limits))
  }
  const server = createSecureServer({
    ...http2Options(limits),
    ...readTls(tls),
    allowHTTP1: true,
    handshakeTimeout: HANDSHAKE_TIMEOUT,
  })
  // Its HTTP/1 side takes no options, and reads the same properties as a server of node:http.
  return Object.assign(server, options, AFTERWARDS, afterwards(limits))
}

function http1Options(limits: CheckedLimits) {
  return {
    headersTimeout: limits.headersTimeout,
    // Bodies have time-outs of their own, by how much comes in what time; a large upload may take long.
    requestTimeout: 0,
    keepAliveTimeout: limits.keepAliveTimeout,
    connectionsCheckingInterval: CHECK_INTERVAL,
    maxHeaderSize: limits.maxHeaderSize,
    requireHostHeader: true,
    insecureHTTPParser: false,
    noDelay: true,
  }
}

/** Fields beyond a number are dropped in silence by default; their size is limited already. */
const AFTERWARDS = { maxHeadersCount: 0 }

function afterwards(limits: CheckedLimits): { maxRequestsPerSocket: number } {
  return { maxRequestsPerSocket: limits.maxRequestsPerConnection }
}

function http2Options(limits: CheckedLimits) {
  return {
    settings: {
      maxConcurrentStreams: limits.maxConcurrentStreams,
      maxHeaderListSize: limits.maxHeaderSize,
      enablePush: false,
    },
    // Each counts for 32 bytes of the list's size (RFC 9113 §6.5.2), so that this limits nothing more. Browsers send cookies one by one.
    maxHeaderListPairs: Math.ceil(limits.maxHeaderSize / 32),
  }
}

function pem(option: string, value: string): string {
  if (value.includes('-----BEGIN ')) return value
  try {
    return readFileSync(value, 'utf8')
  } catch (cause) {
    throw new Error(
      `${option}: cannot read ${JSON.stringify(value)}: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    )
  }
}
