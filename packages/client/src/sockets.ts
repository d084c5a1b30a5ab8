// The same pool, client and request where there are sockets: node:net opens connections unless another connector is given.

import { executeOnce as executeOnceByConnector } from './client/client.ts'
import type { ClientOptions, GivenConnector, PoolOptions } from './client/options.ts'
import { Pool as PoolByConnector } from './client/pool.ts'
import type { FastCGIResponse } from './client/response.ts'
import type { FastCGIRequest, RequestOptions } from './connection/request.ts'
import type { Address } from './transport/address.ts'
import { connectNode } from './transport/node.ts'

/**
 * Connections to one FastCGI backend. Opens none before it is used.
 * @example
 * const pool = new Pool('unix:/run/php/php-fpm.sock', { connections: 8 })
 * const { stdout, stderr } = await pool.execute({ params: { SCRIPT_FILENAME: '/srv/hello.php' } })
 * await pool.close()
 */
export class Pool extends PoolByConnector {
  /**
   * @param address `unix:/run/php/php-fpm.sock`, `tcp://host:9000`, `host:9000` and their like.
   * @throws TypeError on an address or option that cannot be used.
   */
  constructor(address: string | Address, options: PoolOptions = {}) {
    super(address, withSockets(address, options))
  }
}

/**
 * A pool of one connection, kept alive between requests, or opened for each with `keepAlive: false`.
 * @example
 * const client = new Client('127.0.0.1:9000', { keepAlive: false })
 */
export class Client extends Pool {
  /**
   * @param address `unix:/run/php/php-fpm.sock`, `tcp://host:9000`, `host:9000` and their like.
   * @throws TypeError on an address or option that cannot be used.
   */
  constructor(address: string | Address, options: ClientOptions = {}) {
    super(address, { ...options, connections: 1 })
  }
}

/**
 * Runs one request on a connection of its own.
 * @param options Of the client and of the request.
 * @throws TypeError on bad arguments; otherwise whatever `execute` rejects with.
 * @example
 * const { stdout } = await executeOnce('unix:/run/php/php-fpm.sock', { params: { SCRIPT_FILENAME: '/srv/hello.php' } })
 */
export async function executeOnce(
  address: string | Address,
  request: FastCGIRequest,
  options: ClientOptions & Pick<RequestOptions, 'signal'> = {},
): Promise<FastCGIResponse> {
  return executeOnceByConnector(address, request, withSockets(address, options))
}

function withSockets<Options extends { connect?: GivenConnector['connect'] | undefined }>(
  address: string | Address,
  options: Options,
): Options & GivenConnector {
  return { ...options, connect: options.connect ?? connectNode(address) }
}
