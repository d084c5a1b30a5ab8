// The gateway on node:http, of Node or of Bun, in one process, without an access log.

import { createServer } from 'node:http'
import { createGateway } from '@fastcgi/gateway'
import { connector } from './connector.mjs'

const { ROOT, BACKEND, PORT, CONNECTIONS } = process.env

const connections = CONNECTIONS === undefined ? {} : { connections: Number(CONNECTIONS) }
const address = `unix:${BACKEND}`
const gateway = createGateway({
  root: ROOT,
  backend: { address, connect: connector(address), ...connections },
})
createServer(gateway.handler).listen(Number(PORT), '127.0.0.1', () => console.log('ready'))
