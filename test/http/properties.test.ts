// What holds for every input of the HTTP floor, shown on random ones.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { isFastCGIError } from '@fastcgi/client'
import {
  CgiResponseParser,
  cgiHead,
  decodePath,
  headerParams,
  requestFromParams,
  scriptFilename,
  splitScript,
} from '@fastcgi/client/http'
import { decodePairs, Encoder, Decoder, concatBytes } from '@fastcgi/client/protocol'
import { fromFetch } from '@fastcgi/client/responder'
import { applicationFetch } from '../support/fetch-backends.js'
import { latin1, paramsOf, parse } from '../support/http.js'
import { SEED } from '../support/seed.ts'

fc.configureGlobal({ seed: SEED })

const TOKEN = "!#$%&'*+-.^_`|~abcABCxyzXYZ0189"
const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code))
const byteText = fc.string({ unit: byte, maxLength: 30 })
/** A header value that HTTP allows: no control characters but the tab, no blanks at its ends. */
const value = byteText.map((text) =>
  // eslint-disable-next-line no-control-regex -- control characters are taken out
  text.replace(/[\x00-\x08\x0a-\x1f\x7f]/g, '').replace(/^[ \t]+|[ \t]+$/g, ''),
)
const token = fc.string({ unit: fc.constantFrom(...TOKEN.split('')), minLength: 1, maxLength: 12 })
const safeName = fc.stringMatching(/^[a-z][a-z0-9-]{0,11}$/)
/** Pieces of paths that mean something to somebody. */
const PIECES = '/ / .. . %2e %2E %2f %5c \\ %00 %0a %0d %25 % %c0%ae a .php .PHP ü ; ::$DATA ~1 ? #'
  .split(' ')
  .concat(' ', '\0', '\n', '\u0130', '\u212a', '\u2028')
const pathPiece = fc.constantFrom(...PIECES)
const path = fc
  .array(fc.oneof(pathPiece, fc.string({ unit: 'grapheme', maxLength: 3 })), { maxLength: 12 })
  .map((pieces) => `/${pieces.join('')}`)

/** The result, or undefined when the input was refused as it should be. */
function unlessRefused<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch (error) {
    if (isFastCGIError(error) && error.code === 'FCGI_ERR_HTTP_REQUEST') return undefined
    throw error
  }
}

/** Cuts bytes at random places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b)
  return [...at, bytes.length].map((end, index) => bytes.slice(at[index - 1] ?? 0, end))
}

function streamOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  const rest = [...chunks]
  return new ReadableStream({
    pull(controller) {
      const chunk = rest.shift()
      if (chunk === undefined) controller.close()
      else controller.enqueue(chunk)
    },
  })
}

/** Params as the application gets them. */
function overTheWire(params: Parameters<Encoder['params']>[1]): [Uint8Array, Uint8Array][] {
  const encoder = new Encoder()
  encoder.params(1, params)
  const parts: Uint8Array[] = []
  const decoder = new Decoder({
    onStream: (_, __, data) => parts.push(data.slice()),
    onStreamEnd: () => {},
    onMessage: () => {},
  })
  decoder.push(encoder.take())
  return decodePairs(concatBytes(parts)).map(([name, text]) => [name, text])
}

describe('headers', () => {
  const KEPT_BACK =
    /^(?:content-(?:type|length)|host|proxy.*|connection|expect|keep-alive|te|trailer|transfer-encoding|upgrade)$/

  test('any that may pass come out of the params as they went in', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(safeName, value), { maxLength: 10 }), (list) => {
        const passed = list.filter(([name]) => !KEPT_BACK.test(name))
        const { params } = headerParams(passed)
        const { headers } = requestFromParams(
          overTheWire([['REQUEST_METHOD', 'GET'], ['SERVER_NAME', 'a'], ...params]),
        )
        const expected = new Headers()
        const joined = group(passed)
        for (const [name, text] of joined) if (text !== '') expected.set(name, text)
        assert.deepEqual([...headers], [...expected])
      }),
    )
  })

  test('any at all make params with names of HTTP_ and letters, digits, underscores, each once', () => {
    const anyName = fc.oneof(token, safeName, fc.string({ unit: 'grapheme', maxLength: 8 }))
    const anyValue = fc.oneof(value, byteText)
    fc.assert(
      fc.property(fc.array(fc.tuple(anyName, anyValue), { maxLength: 10 }), (list) => {
        const names = unlessRefused(() => headerParams(list))?.params.map(([name]) => String(name))
        if (names === undefined) return
        assert.equal(new Set(names).size, names.length)
        for (const name of names) {
          assert.match(name, /^HTTP_[A-Z0-9_]+$/)
          assert.ok(!/^HTTP_(?:PROXY|CONTENT_LENGTH|CONTENT_TYPE|CONNECTION)$/.test(name), name)
        }
      }),
    )
  })

  test('of a response come through its CGI head as they were', () => {
    const fields = fc.array(fc.tuple(safeName, value), { maxLength: 10 })
    const status = fc.integer({ min: 200, max: 599 })
    fc.assert(
      fc.property(fields, status, value, (list, code, statusText) => {
        const own = list.filter(([name]) => !/^(?:status|location|content-length)$/.test(name))
        const response = new Response(null, { status: code, statusText, headers: own })
        const { head } = parse(Buffer.from(cgiHead(response)).toString('latin1'))
        assert.deepEqual([head.status, head.statusText], [code, statusText])
        // Two empty fields of one name are joined to one that ends in a blank, which no header value keeps.
        const sent = [...response.headers].map(([name, text]) => [name, text.replace(/ +$/, '')])
        assert.deepEqual(head.headers, sent)
      }),
      {
        examples: [
          [
            [
              ['t', ''],
              ['t', ''],
            ],
            200,
            '',
          ],
        ],
      },
    )
  })
})

describe('header blocks', () => {
  test('mean the same however they are cut', () => {
    const line = fc.tuple(token, value).map(([name, text]) => `${name}: ${text}`)
    const end = fc.constantFrom('\r\n', '\n')
    const block = fc
      .array(fc.tuple(line, end), { minLength: 1, maxLength: 8 })
      .map((lines) => `${lines.flat().join('')}\n`)
    const places = fc.array(fc.nat(), { maxLength: 10 })
    fc.assert(
      fc.property(block, byteText, places, (head, body, at) => {
        const bytes = latin1(head + body)
        const whole = outcomeOf([bytes])
        assert.deepEqual(outcomeOf(cut(bytes, at)), whole)
        if (typeof whole === 'object') assert.equal(whole.body, body)
      }),
    )
  })

  test('of any bytes are a head or a CgiResponseError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        outcomeOf([bytes])
      }),
    )
    const telling = fc.string({
      unit: fc.constantFrom(...'Status: 2\r\n\tLocation/\0'.split('')),
      maxLength: 60,
    })
    fc.assert(
      fc.property(telling, (text) => {
        outcomeOf([latin1(`${text}\n\n`)])
      }),
    )
  })
})

describe('paths', () => {
  test('that are decoded begin with a slash and have no dot segment, NUL, control character or backslash', () => {
    fc.assert(
      fc.property(path, (raw) => {
        const decoded = unlessRefused(() => decodePath(raw))
        if (decoded === undefined) return
        assert.ok(decoded.startsWith('/'))
        // eslint-disable-next-line no-control-regex -- control characters are what must not be there
        assert.doesNotMatch(decoded, /[\x00-\x1f\x7f\\]|\/\/|[^\x00-\xff]/)
        assert.ok(decoded.split('/').every((segment) => segment !== '..' && segment !== '.'))
      }),
      { numRuns: 2000 },
    )
  })

  test('that a URL parser has seen come to the same as those that it has not', () => {
    const plain = fc.stringMatching(/^(?:\/[a-z%.]{0,3}(?:%[0-9a-f]{2})?){1,5}$/)
    fc.assert(
      fc.property(plain, (raw) => {
        // It takes dot segments out before empty ones, which are nothing here: `/a//..` differs, and so is left out.
        if (raw.includes('//')) return
        const parsed = unlessRefused(() => decodePath(new URL(`http://a${raw}`).pathname))
        const decoded = unlessRefused(() => decodePath(raw))
        // It takes `..` beyond the root for the root, where a path that was not parsed is refused.
        if (decoded !== undefined) assert.equal(parsed, decoded)
      }),
      { numRuns: 1000 },
    )
  })

  test('that are split lose nothing, and the script ends in the extension', () => {
    fc.assert(
      fc.property(path, (raw) => {
        const decoded = unlessRefused(() => decodePath(raw))
        const script = decoded === undefined ? undefined : splitScript(decoded)
        if (!script) return
        assert.equal(script.scriptName + script.pathInfo, decoded)
        assert.match(script.scriptName, /^\/(?:.*[^/])?\.php$/s)
        assert.match(script.pathInfo, /^(?:\/|$)/)
      }),
      { numRuns: 2000 },
    )
  })

  test('of scripts stay below the root, whoever chose them', () => {
    const name = fc.oneof(path, fc.string({ unit: 'binary', maxLength: 20 }), byteText)
    fc.assert(
      fc.property(name, name, (scriptName, pathInfo) => {
        const file = unlessRefused(() => scriptFilename('/srv/www', scriptName))
        if (file !== undefined) staysBelow(file)
        const script = { scriptName, pathInfo }
        const params = unlessRefused(() => paramsOf({}, { root: '/srv/www', script }))
        if (params) staysBelow(params.SCRIPT_FILENAME!)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('bodies', () => {
  test('of any bytes, cut anywhere, come back through both sides byte for byte', async (t) => {
    const { php } = applicationFetch(
      t,
      fromFetch(async (request) => {
        const places = request.headers.get('x-places')!
        const body = new Uint8Array(await request.arrayBuffer())
        return new Response(streamOf(cut(body, JSON.parse(places) as number[])))
      }),
    )
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.nat(200_000).map((length) => Uint8Array.from({ length }, (_, at) => (at * 7) % 256)),
    )
    const places = fc.array(fc.nat(), { maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(bytes, places, places, fc.boolean(), async (body, sent, back, known) => {
        const headers = new Headers({ 'x-places': JSON.stringify(back) })
        if (known) headers.set('content-length', String(body.length))
        const init = { method: 'POST', body: streamOf(cut(body, sent)), headers, duplex: 'half' }
        const response = await php(new Request('http://example.org/', init as RequestInit))
        assert.equal(response.status, 200)
        const got = new Uint8Array(await response.arrayBuffer())
        assert.ok(Buffer.from(got).equals(body), `${got.length} bytes came of ${body.length}`)
      }),
      { numRuns: 60 },
    )
  })
})

function group(list: readonly (readonly [string, string])[]): Map<string, string> {
  const joined = new Map<string, string>()
  for (const [name, text] of list) {
    const before = joined.get(name)
    const separator = name === 'cookie' ? '; ' : ', '
    joined.set(name, before === undefined ? text : before + separator + text)
  }
  return joined
}

function outcomeOf(pieces: readonly Uint8Array[]): 'refused' | { head: unknown; body: string } {
  const parser = new CgiResponseParser()
  let body = ''
  try {
    for (const piece of pieces) {
      const at = parser.head ? 0 : parser.push(piece)
      if (parser.head) body += Buffer.from(piece.subarray(at)).toString('latin1')
    }
    return { head: parser.end(), body }
  } catch (error) {
    if (isFastCGIError(error) && error.code === 'FCGI_ERR_CGI_RESPONSE') return 'refused'
    throw error
  }
}

function staysBelow(file: string): void {
  assert.ok(file.startsWith('/srv/www/'), file)
  assert.ok(!file.split(/[\\/]/).includes('..'), file)
  assert.doesNotMatch(file, /[\0\r\n]/)
}
