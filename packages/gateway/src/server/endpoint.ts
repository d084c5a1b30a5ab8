// Where a server listens: as people write it, as node:net takes it, and as messages name it.

import type { ListenAddress, ListenOptions } from './options.ts'

export type Scheme = 'http' | 'https' | 'h2c'

export interface Endpoint {
  readonly scheme: Scheme
  /** As node:net takes it: without a host, every interface. */
  readonly target:
    | { readonly path: string }
    | { readonly port: number; readonly host?: string | undefined }
  readonly mode: number | undefined
}

const FORMS =
  'write 8080, 127.0.0.1:8080, [::1]:8080, :8080 for every interface, or unix:/run/x.sock'

/**
 * Reads an address to listen on.
 * @param option its name, for messages
 * @throws TypeError on anything else, with the forms that are understood.
 */
export function parseListen(
  option: string,
  listen: ListenAddress | ListenOptions,
  scheme: Scheme,
): Endpoint {
  const { address, mode, tls, ...unknown } =
    typeof listen === 'object' && listen !== null ? listen : { address: listen }
  const [stray] = Object.keys(unknown)
  if (stray !== undefined) {
    throw new TypeError(`${option}.${stray} is no option; there are address, mode, tls`)
  }
  if (tls === true && scheme !== 'https') throw new TypeError(`${option}.tls needs the option tls`)
  const target = parseTarget(option, address)
  if (mode !== undefined && (!('path' in target) || !isMode(mode))) {
    throw new TypeError(`${option}.mode must be the permissions of a unix socket, such as 0o660`)
  }
  return { scheme: tls === false ? 'http' : scheme, target, mode }
}

/** The address as a person writes it. */
export function formatTarget(target: Endpoint['target']): string {
  if ('path' in target) return `unix:${target.path}`
  const { host = '*', port } = target
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** The address as a browser takes it, where there is one. */
export function urlOf({ scheme, target }: Endpoint): string {
  if ('path' in target) return formatTarget(target)
  const protocol = scheme === 'https' ? 'https' : 'http'
  return `${protocol}://${formatTarget({ ...target, host: target.host ?? 'localhost' })}`
}

function parseTarget(option: string, address: unknown): Endpoint['target'] {
  const text = String(address)
  if (typeof address === 'number' || /^\d+$/.test(text)) {
    return { host: '127.0.0.1', port: portOf(option, text) }
  }
  const path = /^unix:(?:\/\/(?=\/))?(.+)$/s.exec(text)?.[1] ?? (/^\.{0,2}\//.test(text) && text)
  if (path) return { path }
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+|\*)?):(\d{1,5})$/.exec(text)
  if (typeof address !== 'string' || !match) {
    throw new TypeError(`${option} ${JSON.stringify(address)} is no address: ${FORMS}`)
  }
  const host = match[1] ?? match[2]
  return {
    host: host === '*' ? undefined : host,
    port: portOf(option, match[3]!),
  }
}

function portOf(option: string, text: string): number {
  const port = Number(text)
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw new TypeError(`${option}: port ${text} is not between 0 and 65535`)
}

function isMode(mode: unknown): boolean {
  return Number.isInteger(mode) && (mode as number) >= 0 && (mode as number) <= 0o777
}
