// What the tests of the HTTP floor share.

import type { ParamPair } from '@fastcgi/client'
import { cgiParams, type CgiContext, type HttpRequestParts } from '@fastcgi/client/http'
import { CgiResponseParser, type CgiHead } from '@fastcgi/client/http'

/** A byte string as bytes. */
export function latin1(text: string): Uint8Array {
  // Not the Buffer itself: its slice() is a view.
  return new Uint8Array(Buffer.from(text, 'latin1'))
}

/** Params as byte strings, in order. */
export function shown(pairs: Iterable<ParamPair>): [string, string][] {
  return Array.from(pairs, ([name, value]) => [asText(name), asText(value)])
}

/** Params by name, as byte strings. Fails on two with one name, of which PHP would see the last only. */
export function byName(pairs: Iterable<ParamPair>): Record<string, string> {
  const params = new Map<string, string>()
  for (const [name, value] of shown(pairs)) {
    if (params.has(name)) throw new Error(`${name} is there twice`)
    params.set(name, value)
  }
  return Object.fromEntries(params)
}

/** The params of a request for /index.php, parts of it as given. */
export function paramsOf(
  request: Partial<HttpRequestParts> = {},
  context: Partial<CgiContext> = {},
): Record<string, string> {
  return byName(
    cgiParams(
      { method: 'GET', target: '/', headers: [], ...request },
      {
        root: '/srv',
        script: { scriptName: '/index.php', pathInfo: '' },
        serverName: 'example.org',
        serverPort: 80,
        ...context,
      },
    ),
  )
}

/** What a parser makes of stdout: the head, the interim heads and the rest, which is the body. */
export function parse(stdout: string): {
  head: CgiHead
  interim: readonly CgiHead[]
  body: string
} {
  const parser = new CgiResponseParser()
  const bytes = latin1(stdout)
  const at = parser.push(bytes)
  const head = parser.end()
  const body = Buffer.from(bytes.subarray(at)).toString('latin1')
  return { head, interim: parser.informational, body }
}

function asText(value: string | number | Uint8Array): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value)
}
