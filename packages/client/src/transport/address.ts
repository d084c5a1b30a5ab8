// Where a FastCGI application listens, as people write it and as data.

/** A socket of the file system (or an abstract one, its path beginning with NUL), or a TCP port. */
export type Address = { readonly path: string } | { readonly host: string; readonly port: number }

const FORMS =
  'write unix:/run/php/php-fpm.sock, /run/php/php-fpm.sock, unix:@abstract, tcp://host:9000, host:9000, [::1]:9000 or :9000'

/**
 * Reads an address. A lone port means 127.0.0.1; `unix:@name` is a socket in Linux' abstract name space.
 * @throws TypeError on anything else, with the forms that are understood.
 */
export function parseAddress(input: string | Address): Address {
  if (typeof input !== 'string') return checkAddress(input)
  const unix = /^unix:(?:\/\/(?=\/))?(.+)$/s.exec(input)?.[1]
  if (unix !== undefined) return checkAddress({ path: unix.replace(/^@/, '\0') })
  if (/^(?:\/|\.\.?\/|\\\\)/.test(input)) return checkAddress({ path: input })
  const tcp = /^(?:tcp:\/\/)?(?:\[([^\]]+)\]|([^:/[\]]*)):(\d{1,5})$/.exec(input)
  if (!tcp) throw new TypeError(`cannot read the address ${JSON.stringify(input)}: ${FORMS}`)
  return checkAddress({ host: tcp[1] || tcp[2] || '127.0.0.1', port: Number(tcp[3]) })
}

/** The address as a person writes it: for messages and logs. */
export function formatAddress(address: Address): string {
  if ('path' in address) return `unix:${address.path.replace(/^\0/, '@')}`
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  return `tcp://${host}:${address.port}`
}

function checkAddress(address: Address): Address {
  if (typeof address === 'object' && address !== null) {
    if ('path' in address) {
      if (typeof address.path === 'string' && address.path.length > 1) return address
    } else if (typeof address.host === 'string' && address.host !== '') {
      if (Number.isInteger(address.port) && address.port >= 0 && address.port <= 65_535) {
        return address
      }
      throw new TypeError(`port ${address.port} is not between 0 and 65535: ${FORMS}`)
    }
  }
  throw new TypeError(`cannot read the address ${JSON.stringify(address)}: ${FORMS}`)
}
