// The face of the package: everything that runs a request, its options and its errors, with the sockets of this runtime.

export * from './web.ts'
// Named ones go before those of the line above: here they know how to connect.
export { Client, executeOnce, Pool } from './sockets.ts'
export { connectBun } from './transport/bun.ts'
export { connectNode } from './transport/node.ts'
