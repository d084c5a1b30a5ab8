// CONTENT_LENGTH is law: php-fpm reads exactly as many bytes as it says, and takes what follows for records.

import { LocalProtocolError } from '../errors.ts'
import {
  decodePairs,
  paramText,
  preparedList,
  type ParamValue,
  type Params,
  type PreparedParams,
} from '../protocol/index.ts'
import type { FastCGIRequest } from './request.ts'

/** The last value of a param as text; undefined when there is none. */
export function paramValue(params: Params, name: string): string | undefined {
  if (Symbol.iterator in params) return valuesOf(params, name).at(-1)
  const value = Object.hasOwn(params, name) ? params[name] : undefined
  return value === undefined ? undefined : paramText(value)
}

/**
 * What the params say about the length of stdin, in bytes; undefined when they say nothing. An empty value means 0, as in CGI/1.1.
 * @throws LocalProtocolError `FCGI_ERR_CONTENT_LENGTH` when it is not a plain decimal number, or said twice in two ways.
 */
export function declaredLength(params: Params): number | undefined {
  if (!(Symbol.iterator in params) && params.CONTENT_LENGTH === undefined) return undefined
  const values = valuesOf(params, 'CONTENT_LENGTH')
  const first = values[0]
  if (first === undefined) return undefined
  const length = /^\d*$/.test(first) ? Number(first) : NaN
  if (!Number.isSafeInteger(length) || values.some((value) => value !== first)) {
    throw new LocalProtocolError(
      `CONTENT_LENGTH must be one decimal number of bytes, not ${values.map((value) => JSON.stringify(value)).join(' and ')}`,
      'FCGI_ERR_CONTENT_LENGTH',
    )
  }
  return length
}

/** The last value of a param among those that are prepared, as text; undefined when there is none. */
export function preparedValue(
  prepared: FastCGIRequest['prepared'],
  name: string,
): string | undefined {
  for (const each of preparedList(prepared).toReversed()) {
    const value = preparedTexts(each).get(name)
    if (value !== undefined) return value
  }
  return undefined
}

/** What is prepared serves many requests, so it is decoded once. */
const decoded = new WeakMap<PreparedParams, ReadonlyMap<string, string>>()

function preparedTexts(prepared: PreparedParams): ReadonlyMap<string, string> {
  const known = decoded.get(prepared)
  if (known) return known
  const pairs = prepared.pieces.flatMap(decodePairs)
  const texts = new Map(pairs.map(([name, value]) => [paramText(name), paramText(value)]))
  decoded.set(prepared, texts)
  return texts
}

function valuesOf(params: Params, name: string): string[] {
  if (Symbol.iterator in params) {
    const values: string[] = []
    for (const [key, value] of params) if (isName(key, name)) values.push(paramText(value))
    return values
  }
  const value: ParamValue | undefined = Object.hasOwn(params, name) ? params[name] : undefined
  return value === undefined ? [] : [paramText(value)]
}

function isName(key: string | Uint8Array, name: string): boolean {
  return key.length === name.length && paramText(key) === name
}
