// One connection at a time: requests take their turn on it.

import type { FastCGIRequest, RequestOptions } from '../connection/request.ts'
import type { Address } from '../transport/address.ts'
import type { ClientOptions, GivenConnector } from './options.ts'
import { Pool } from './pool.ts'
import type { FastCGIResponse } from './response.ts'

/**
 * A pool of one connection, kept alive between requests, or opened for each with `keepAlive: false`.
 * @example
 * const client = new Client('tcp://php:9000', { connect: fromStreams(() => connect({ hostname: 'php', port: 9000 })) })
 */
export class Client extends Pool {
  /**
   * @param address `unix:/run/php/php-fpm.sock`, `tcp://host:9000`, `host:9000` and their like.
   * @throws TypeError on an address or option that cannot be used, and without a connector.
   */
  constructor(address: string | Address, options: ClientOptions & GivenConnector) {
    super(address, { ...options, connections: 1 })
  }
}

/**
 * Runs one request on a connection of its own.
 * @param options Of the client and of the request.
 * @throws TypeError on bad arguments; otherwise whatever `execute` rejects with.
 * @example
 * const { stdout } = await executeOnce('tcp://php:9000', { params: { SCRIPT_FILENAME: '/srv/hello.php' } }, {
 *   connect: fromStreams(() => connect({ hostname: 'php', port: 9000 })),
 * })
 */
export async function executeOnce(
  address: string | Address,
  request: FastCGIRequest,
  options: ClientOptions & GivenConnector & Pick<RequestOptions, 'signal'>,
): Promise<FastCGIResponse> {
  const { signal, ...clientOptions } = options
  const client = new Client(address, { ...clientOptions, keepAlive: false })
  try {
    return await client.execute(request, { signal })
  } finally {
    await client.close()
  }
}
