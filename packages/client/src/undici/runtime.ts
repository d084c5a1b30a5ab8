// The fetch that asks dispatchers: on Node it is the runtime's own, which is undici; elsewhere it is that of the package, since the
// runtime's own would pass the dispatcher over, and ask whatever listens at the URL.

import process from 'node:process'
import * as undici from 'undici'

export type Fetch = typeof globalThis.fetch
type MakeRequest = new (url: string, init: RequestInit) => Request

const isUndici = process.versions['undici'] !== undefined

/** Looked up at each call: tests replace the global one. */
export function runtimeFetch(
  input: Parameters<Fetch>[0],
  init: RequestInit | undefined,
  dispatcher: undici.Dispatcher,
): Promise<Response> {
  // The types of undici that come with those of Node are of another version.
  if (!isUndici) {
    return fetchOf(undici.fetch)(input, Object.assign({}, init, { dispatcher }))
  }
  const options = Object.assign({}, init, { dispatcher: forEveryVersion(dispatcher) })
  return globalThis.fetch(input, options)
}

/** The same request for another URL. */
export function runtimeRequest(url: string, request: Request): Request {
  if (isUndici) return url === request.url ? request : new Request(url, request)
  // What undici reads of a Request that is none of its own.
  const { method, headers, body, redirect, signal } = request
  const from = { method, headers: [...headers], body, redirect, signal }
  return new (classOf(undici.Request))(url, { ...from, duplex: 'half' })
}

/** The fetch of a runtime may be older than the package: undici 8 has what makes its dispatchers understand the handlers of before. */
function forEveryVersion(dispatcher: undici.Dispatcher): undici.Dispatcher {
  const Wrapper: unknown = Reflect.get(undici, 'Dispatcher1Wrapper')
  if (typeof Wrapper !== 'function') return dispatcher
  const wrapped: unknown = Reflect.construct(Wrapper, [dispatcher])
  return wrapped instanceof undici.Dispatcher ? wrapped : dispatcher
}

function fetchOf(fetch: unknown): Fetch {
  return fetch as Fetch
}

function classOf(request: unknown): MakeRequest {
  return request as MakeRequest
}
