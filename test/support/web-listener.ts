// node:http in front of an application of a test.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

/** What a framework makes of an application; whatever it returns is not waited for. */
type Listener = (request: IncomingMessage, response: ServerResponse) => unknown

/** @returns the URL of a server on a free port, which is gone with the test. */
export async function listening(t: TestContext, listener: Listener): Promise<string> {
  const server = createServer((request, response) => void listener(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
