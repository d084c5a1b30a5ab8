// The gateway behind Bun.serve, in one process, without an access log.

import { createGateway } from '@fastcgi/gateway'

const { ROOT, BACKEND, PORT } = process.env

const gateway = createGateway({ root: ROOT, backend: `unix:${BACKEND}` })
Bun.serve({
  port: Number(PORT),
  hostname: '127.0.0.1',
  fetch: (request, server) =>
    gateway.fetch(request, { remoteAddress: server.requestIP(request)?.address }),
})
