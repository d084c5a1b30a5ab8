// A path that the application asks for in place of the one that the client asked for (RFC 3875 §6.2.2): by GET, without a body.

import type { ConnectionInfo, HeaderFields, Incoming } from './http.ts'

// What is said about a body that this request does not have.
const OF_THE_BODY: ReadonlySet<string> = new Set([
  'content-length',
  'content-type',
  'expect',
  'transfer-encoding',
])

export class RedirectedRequest implements Incoming {
  readonly method: string
  readonly target: string
  readonly protocol: string
  readonly headers: HeaderFields
  readonly connection: ConnectionInfo
  readonly body = undefined
  /** How many times it was redirected by now. */
  readonly redirects: number
  readonly #original: Incoming

  /** @param target Path and query, in origin form. */
  constructor(original: Incoming, target: string) {
    this.#original = original
    this.method = original.method === 'HEAD' ? 'HEAD' : 'GET'
    this.target = target
    this.protocol = original.protocol
    this.headers = original.headers.filter(([name]) => !OF_THE_BODY.has(name.toLowerCase()))
    this.connection = original.connection
    this.redirects = original instanceof RedirectedRequest ? original.redirects + 1 : 1
  }

  header(name: string): string | undefined {
    return OF_THE_BODY.has(name) ? undefined : this.#original.header(name)
  }
}
