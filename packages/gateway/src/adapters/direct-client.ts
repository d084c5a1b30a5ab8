import type { ClientInfo, ConnectionInfo } from '../http.ts'

/** Who asks, before anybody has looked at Host and at proxies in front. */
export function directClient(connection: ConnectionInfo): ClientInfo {
  return {
    address: connection.remoteAddress,
    port: connection.remotePort,
    https: connection.encrypted,
    host: '',
    hostPort: connection.localPort,
  }
}
