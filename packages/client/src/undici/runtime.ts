// The fetch that asks dispatchers: on Node it is the runtime's own, which is undici; elsewhere it is that of the package, since the
// runtime's own would pass the dispatcher over, and ask whatever listens at the URL.

import process from 'node:process'
import { fetch as undiciFetch, Request as UndiciRequest, type Dispatcher } from 'undici'

export type Fetch = typeof globalThis.fetch
type MakeRequest = new (url: string, init: Request) => Request

const isUndici = process.versions['undici'] !== undefined

/** Looked up at each call: tests replace the global one. */
export function runtimeFetch(
  input: Parameters<Fetch>[0],
  init: RequestInit | undefined,
  dispatcher: Dispatcher,
): Promise<Response> {
  // The types of undici that come with those of Node are of another version.
  const options = Object.assign({}, init, { dispatcher })
  return isUndici ? globalThis.fetch(input, options) : fetchOf(undiciFetch)(input, options)
}

/** The request for another URL. */
export function runtimeRequest(url: string, request: Request): Request {
  return new (isUndici ? Request : classOf(UndiciRequest))(url, request)
}

function fetchOf(fetch: unknown): Fetch {
  return fetch as Fetch
}

function classOf(request: unknown): MakeRequest {
  return request as MakeRequest
}
