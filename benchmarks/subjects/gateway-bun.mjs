// The gateway behind Bun.serve, in one process, without an access log.

import { createGateway } from '@fastcgi/gateway'
import { connector } from './connector.mjs'

const { ROOT, BACKEND, PORT, CONNECTIONS } = process.env

const connections = CONNECTIONS === undefined ? {} : { connections: Number(CONNECTIONS) }
const address = `unix:${BACKEND}`
const gateway = createGateway({
  root: ROOT,
  backend: { address, connect: connector(address), ...connections },
})
const { Bun } = /** @type {any} */ (globalThis)
Bun.serve({ port: Number(PORT), hostname: '127.0.0.1', fetch: gateway.fetch })
