// Taking an address: a socket file that nobody listens on any more is no obstacle, and what is one is told in a sentence.

import cluster from 'node:cluster'
import { chmodSync, existsSync, lstatSync, unlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import process from 'node:process'
import { connectNode, type TransportHandler } from '@fastcgi/client'
import { formatTarget, type Endpoint } from './endpoint.ts'
import type { NodeServer } from './node-server.ts'

/** An address could not be listened on. */
export class ListenError extends Error {
  /** As listen(2) has it: EADDRINUSE, EACCES, … */
  readonly code: string
  /** The address, as a person writes it. */
  readonly address: string

  constructor(address: string, code: string, cause: unknown) {
    super(`cannot listen on ${address}: ${reasonOf(address, code)} (${code})`, { cause })
    this.name = 'ListenError'
    this.code = code
    this.address = address
  }
}

/**
 * Listens.
 * @returns where; with the port that was chosen when 0 was asked for.
 * @throws ListenError
 */
export async function bind(server: NodeServer, endpoint: Endpoint): Promise<Endpoint> {
  const { target, mode } = endpoint
  // The process above a worker has looked already, and may be listening there since.
  if ('path' in target && !cluster.isWorker) await removeAbandoned(target.path)
  try {
    await listen(server, target, mode)
  } catch (cause) {
    // libuv reports a folder that is not there as one that may not be written to.
    const isNowhere =
      'path' in target && !isAbstract(target.path) && !existsSync(dirname(target.path))
    const code = isNowhere ? 'ENOENT' : (codeOf(cause) ?? 'unknown')
    throw new ListenError(formatTarget(target), code, cause)
  }
  // In a worker, the process above it has made the socket.
  if ('path' in target && mode !== undefined) chmodSync(target.path, mode)
  const bound = server.address()
  if ('path' in target || bound === null || typeof bound === 'string') return endpoint
  return { ...endpoint, target: { ...target, port: bound.port } }
}

function listen(
  server: NodeServer,
  target: Endpoint['target'],
  mode: number | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    // The file is made within the call; at no moment may somebody connect who may not afterwards.
    const umask = mode === undefined ? undefined : process.umask(0o777 & ~mode)
    try {
      server.listen({ ...target }, () => {
        server.off('error', reject)
        resolve()
      })
    } finally {
      if (umask !== undefined) process.umask(umask)
    }
  })
}

/** Removes a socket file that a process has left behind when it died; any other file stays, and is in the way. */
export async function removeAbandoned(path: string): Promise<void> {
  if (isAbstract(path)) return
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return
  if (await isRefused(path)) unlinkSync(path)
}

/** A name that is no file (unix(7)). */
function isAbstract(path: string): boolean {
  return path.startsWith('\0')
}

async function isRefused(path: string): Promise<boolean> {
  const handler: TransportHandler = { data: () => {}, drain: () => {}, close: () => {} }
  try {
    const transport = await connectNode({ path })(handler, new AbortController().signal)
    transport.destroy()
    return false
  } catch (error) {
    return codeOf(error) === 'ECONNREFUSED'
  }
}

function reasonOf(address: string, code: string): string {
  const unix = address.startsWith('unix:')
  switch (code) {
    case 'EADDRINUSE':
      return `another program has taken it; stop that one, or choose another ${unix ? 'path' : 'port'}`
    case 'EACCES':
    case 'EPERM':
      return unix
        ? 'this user may not write to its folder'
        : 'this user may not take it, as is usual below port 1024; choose a higher one, or grant CAP_NET_BIND_SERVICE'
    case 'EADDRNOTAVAIL':
      return 'no interface of this machine has that address'
    case 'ENOTFOUND':
      return 'that host name has no address'
    case 'ENOENT':
      return 'its folder does not exist'
    default:
      return 'the system refuses'
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
