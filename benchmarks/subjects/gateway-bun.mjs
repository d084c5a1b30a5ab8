// The gateway behind Bun.serve, in one process, without an access log.

import { createGateway } from '@fastcgi/gateway'

const { ROOT, BACKEND, PORT, CONNECTIONS } = process.env

const connections = CONNECTIONS === undefined ? {} : { connections: Number(CONNECTIONS) }
const gateway = createGateway({
  root: ROOT,
  backend: { address: `unix:${BACKEND}`, ...connections },
})
const { Bun } = /** @type {any} */ (globalThis)
Bun.serve({ port: Number(PORT), hostname: '127.0.0.1', fetch: gateway.fetch })
