// CGI variables on their way out: whole pairs per record, order kept, what could be read in two ways refused.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LocalProtocolError } from '@fastcgi/client'
import {
  concatBytes,
  copyBytes,
  decodePairs,
  Encoder,
  encodePair,
  MAX_ALIGNED_CONTENT_LENGTH,
  paramPairs,
  paramText,
  prepareParams,
  RecordType,
} from '@fastcgi/client/protocol'
import type { Params, ParamsEncoding, ParamValue } from '@fastcgi/client/protocol'
import { bytesOf, hex, textOf, toHex } from '../support/hex.ts'
import { readRecords } from '../support/records.ts'

describe('prepared params', () => {
  test('know their REQUEST_METHOD, on which a replay depends', () => {
    assert.equal(prepareParams({ A: 'b' }).requestMethod, undefined)
    const method = new Uint8Array(Buffer.from('POST'))
    assert.equal(prepareParams([['REQUEST_METHOD', method]]).requestMethod, 'POST')
  })
})

describe('php-fpm gets', () => {
  const many = Array.from(
    { length: 2000 },
    (_, index) => [`HTTP_X_${index}`, 'v'.repeat(20 + (index % 150))] as [string, string],
  )

  for (const [kind, value] of [
    ['ASCII', 'v'],
    ['UTF-8', 'é'],
  ] as const) {
    test(`200 KB of ${kind} params in records of whole pairs, each with its padding within 65,535 bytes`, () => {
      const pairs = many.map(([name, text]) => [name, value + text] as const)
      const records = readRecords(encoded(pairs))
      assert.ok(records.length >= 5)
      for (const { type, requestId, content, padding } of records) {
        assert.deepEqual([type, requestId], [RecordType.Params, 1])
        assert.ok(content.length + padding <= 65_535)
        assert.equal((content.length + padding) % 8, 0)
        // Throws when the record ends within a pair.
        decodePairs(content)
      }
      assert.deepEqual(sent(pairs), pairs)
    })
  }

  test('exactly one empty record, and it is the last', () => {
    for (const params of [{}, { A: '1' }, many]) {
      const lengths = readRecords(encoded(params)).map(({ content }) => content.length)
      assert.equal(lengths.indexOf(0), lengths.length - 1)
    }
  })

  for (const [kind, filler] of [
    ['text', 'v'],
    ['bytes', hex('80')],
  ] as const) {
    const value = (length: number): ParamValue =>
      typeof filler === 'string' ? filler.repeat(length) : new Uint8Array(length).fill(filler[0]!)

    test(`a pair of ${kind} that fills a record to its last byte`, () => {
      const records = readRecords(
        encoded([
          ['A', '1'],
          ['BIG', value(65_520)],
          ['C', '3'],
        ]),
      )
      assert.deepEqual(
        records.map(({ content, padding }) => [content.length, padding]),
        [
          [4, 4],
          [MAX_ALIGNED_CONTENT_LENGTH, 0],
          [4, 4],
          [0, 0],
        ],
      )
    })

    test(`an error for a pair of ${kind} that is one byte longer, which names it and the way out`, () => {
      const encoder = new Encoder()
      encoder.beginRequest(1, 1, true)
      assert.throws(
        () =>
          encoder.params(1, [
            ['A', '1'],
            ['BIG', value(65_521)],
          ]),
        {
          name: LocalProtocolError.name,
          code: 'FCGI_ERR_PARAM_TOO_LARGE',
          message: /"BIG" takes 65529 bytes.*spanParams/,
        },
      )
      assert.equal(encoder.take().length, 0)
    })
  }

  test('a pair that just does not fit into the open record in the next one', () => {
    const rest = MAX_ALIGNED_CONTENT_LENGTH - 8 - 4
    for (const [last, lengths] of [
      ['x', [MAX_ALIGNED_CONTENT_LENGTH, 0]],
      ['xy', [MAX_ALIGNED_CONTENT_LENGTH - 4, 5, 0]],
    ] as const) {
      const records = readRecords(
        encoded([
          ['BIG', 'v'.repeat(rest)],
          ['Z', last],
        ]),
      )
      assert.deepEqual(
        records.map(({ content }) => content.length),
        lengths,
      )
    }
  })
})

describe('a spanning pair, where the backend takes it', () => {
  const big = 'v'.repeat(150_000)
  const pairs = [
    ['A', '1'],
    ['BIG', big],
    ['Ü', big],
    ['EDGE', 'e'.repeat(65_519)],
    ['Z', '26'],
  ]

  test('fills records to the last byte and says the same', () => {
    const params = pairs as [string, string][]
    const wire = encoded(params, { span: true })
    const lengths = readRecords(wire).map(({ content }) => content.length)
    assert.ok(lengths.every((length) => length <= MAX_ALIGNED_CONTENT_LENGTH))
    assert.deepEqual(lengths.slice(0, 4), [65_528, 65_528, 65_528, 65_528])
    assert.deepEqual(sent(params, { span: true }), pairs)
  })

  test('begins a new record when the open one is full', () => {
    const params: [string, string][] = [
      ['FULL', 'f'.repeat(65_519)],
      ['BIG', big],
    ]
    const [full, next] = readRecords(encoded(params, { span: true }))
    assert.deepEqual([full!.content.length, next!.content.length], [65_528, 65_528])
    assert.deepEqual(decodePairs(full!.content).length, 1)
    assert.deepEqual(sent(params, { span: true }), params)
  })

  test('costs pairs that fit nothing: they stay whole', () => {
    const small: [string, string][] = [
      ['BIG', 'b'.repeat(60_000)],
      ['NEXT', 'n'.repeat(10_000)],
    ]
    const records = readRecords(encoded(small, { span: true }))
    assert.deepEqual(
      records.map(({ content }) => decodePairs(content).length),
      [1, 1, 0],
    )
  })
})

describe('prepared params', () => {
  test('come before the request’s own and CONTENT_LENGTH comes last, in one record', () => {
    const prepared = prepareParams({ SITE: 'a', LEFT_OUT: undefined })
    const encoding = { prepared, contentLength: 12 }
    assert.deepEqual(sent([['OWN', 'b']], encoding), [
      ['SITE', 'a'],
      ['OWN', 'b'],
      ['CONTENT_LENGTH', '12'],
    ])
    assert.equal(readRecords(encoded([['OWN', 'b']], encoding)).length, 2)
  })

  test('may be several: they come in the order of the list', () => {
    const prepared = [{ SITE: 'a' }, {}, { SCRIPT: 'b' }].map((params) => prepareParams(params))
    assert.deepEqual(sent({ OWN: 'c' }, { prepared }), [
      ['SITE', 'a'],
      ['SCRIPT', 'b'],
      ['OWN', 'c'],
    ])
  })

  test('serve many requests, on any encoder', () => {
    const prepared = prepareParams(new Map([['SITE', 'ü']]))
    assert.deepEqual(sent({ OWN: 1 }, { prepared }), sent({ OWN: 1 }, { prepared }))
  })

  test('larger than a record are whole pairs in each record still', () => {
    const pairs = Array.from(
      { length: 300 },
      (_, index) => [`SITE_${index}`, 's'.repeat(700)] as [string, string],
    )
    const encoding = { prepared: prepareParams(pairs) }
    const records = readRecords(encoded({ OWN: 'b' }, encoding))
    assert.equal(records.length, 5)
    for (const { content } of records) decodePairs(content)
    assert.deepEqual(sent({ OWN: 'b' }, encoding), [...pairs, ['OWN', 'b']])
  })

  test('of nothing are nothing', () => {
    assert.equal(
      toHex(encoded({}, { prepared: prepareParams({}) })),
      toHex(hex('01 04 00 01 00*4')),
    )
  })

  test('refuse CONTENT_LENGTH, which belongs to each request, also as bytes', () => {
    for (const name of ['CONTENT_LENGTH', bytesOf('CONTENT_LENGTH')]) {
      assert.throws(() => prepareParams([[name, 1]]), { code: 'FCGI_ERR_PARAM_INVALID' })
    }
  })

  test('refuse what a request refuses, when they are prepared', () => {
    assert.throws(() => prepareParams({ A: 'x\0' }), { code: 'FCGI_ERR_PARAM_INVALID' })
    assert.throws(() => prepareParams({ A: 'x'.repeat(65_523) }), {
      code: 'FCGI_ERR_PARAM_TOO_LARGE',
    })
    prepareParams({ A: 'x'.repeat(65_522) })
  })
})

describe('params are sent', () => {
  const orders: [string, Params, string[][]][] = [
    [
      'an object in its order',
      { B: '1', A: '2' },
      [
        ['B', '1'],
        ['A', '2'],
      ],
    ],
    ['an object without its undefined', { B: '1', A: undefined }, [['B', '1']]],
    ['an object without a prototype', Object.assign(Object.create(null), { A: '1' }), [['A', '1']]],
    ['without what an object inherits', Object.create({ A: '1' }) as Params, []],
    [
      'an array with its duplicates',
      [
        ['B', '1'],
        ['A', '2'],
        ['B', '3'],
      ],
      [
        ['B', '1'],
        ['A', '2'],
        ['B', '3'],
      ],
    ],
    [
      'a Map in its order',
      new Map([
        ['B', '1'],
        ['A', '2'],
      ]),
      [
        ['B', '1'],
        ['A', '2'],
      ],
    ],
    [
      'numbers in decimal',
      { A: 80, B: -1, C: 0 },
      [
        ['A', '80'],
        ['B', '-1'],
        ['C', '0'],
      ],
    ],
    [
      'an empty name and value',
      [
        ['', ''],
        ['A', ''],
      ],
      [
        ['', ''],
        ['A', ''],
      ],
    ],
    ['a name that means something to objects', [['__proto__', '1']], [['__proto__', '1']]],
    [
      'UTF-8 in names and values',
      { É: '🐘', A: 'ÿ' },
      [
        ['É', '🐘'],
        ['A', 'ÿ'],
      ],
    ],
    ['U+0080, the first character beyond ASCII', { A: '\u007f\u0080' }, [['A', '\u007f\u0080']]],
    ['a byte order mark', { A: '\ufeffx' }, [['A', '\ufeffx']]],
    ['a lone surrogate as U+FFFD', { A: 'x\ud800y' }, [['A', 'x\ufffdy']]],
    [
      'control characters that end nothing',
      { A: '\u0001\t\u000b\f\u000e\u001b' },
      [['A', '\u0001\t\u000b\f\u000e\u001b']],
    ],
  ]
  for (const [what, params, expected] of orders) {
    test(what, () => {
      assert.deepEqual(sent(params), expected)
      assert.deepEqual(
        paramPairs(params).map((pair) => pair.map((part) => textOf(bytesOf(paramText(part))))),
        expected,
      )
    })
  }

  test('bytes as they are, in names and values, beside strings', () => {
    const pairs = [
      [hex('FF'), 'text'],
      ['NAME', hex('C3 28')],
      [hex(''), hex('')],
    ] as const
    const [record] = readRecords(encoded(pairs))
    assert.equal(
      toHex(record!.content),
      toHex(hex('01 04 FF 74 65 78 74  04 02 4E 41 4D 45 C3 28  00 00')),
    )
  })

  test('text of any length as UTF-8, wherever a character beyond ASCII stands in it', () => {
    for (const length of [1, 31, 63, 64, 65, 66, 127, 128, 300]) {
      const ascii = 'a'.repeat(length)
      for (const character of ['', 'é', '漢', '😀', '\t', '\x7f', '\x80']) {
        for (const value of [character + ascii, ascii + character, ascii + character + ascii]) {
          const [record] = readRecords(encoded([[value, value]]))
          const [pair] = decodePairs(record!.content)
          assert.deepEqual(pair?.map(toHex), [toHex(bytesOf(value)), toHex(bytesOf(value))])
        }
      }
    }
  })

  test('one-byte lengths up to 127 and four-byte lengths from 128 on, counted in bytes', () => {
    for (const [value, lengths] of [
      ['v'.repeat(127), '01 7F'],
      ['v'.repeat(128), '01 80 00 00 80'],
      ['é'.repeat(63), '01 7E'],
      ['é'.repeat(64), '01 80 00 00 80'],
    ] as const) {
      const [record] = readRecords(encoded({ A: value }))
      assert.ok(toHex(record!.content).startsWith(toHex(hex(lengths))))
    }
  })
})

describe('NUL, CR and LF', () => {
  const before = 'x'.repeat(200)
  for (const [what, forbidden] of [
    ['NUL', '\0'],
    ['CR', '\r'],
    ['LF', '\n'],
  ] as const) {
    const places: [string, string | Uint8Array][] = [
      ['first', `${forbidden}x`],
      ['last', `${before}${forbidden}`],
      ['after a character beyond ASCII', `é${forbidden}`],
      ['in bytes', bytesOf(`x${forbidden}x`)],
      ['in bytes that are no UTF-8', new Uint8Array([0xff, forbidden.charCodeAt(0)])],
    ]
    for (const [where, text] of places) {
      test(`${what} ${where} is refused in a name and in a value, and the request is forgotten`, () => {
        assertRefused(
          [
            ['A', '1'],
            ['NAME', text],
          ],
          '"NAME"',
        )
        assertRefused(
          [
            ['A', '1'],
            [text, 'value'],
          ],
          'contains NUL, CR or LF',
        )
        assert.throws(() => encodePair('NAME', text), { code: 'FCGI_ERR_PARAM_INVALID' })
      })
    }
  }

  test('in a name are shown escaped and cut, so that the message stays one line', () => {
    assert.throws(
      () => encodePair(`A\n${'b'.repeat(500)}`, ''),
      (error: Error) => !error.message.includes('\n') && error.message.length < 300,
    )
  })
})

describe('values of other types', () => {
  for (const value of [null, true, {}, ['a'], 1n, Symbol('x'), undefined]) {
    test(`${typeof value} ${value === null ? '(null) ' : ''}is a TypeError, and the request is forgotten`, () => {
      const encoder = new Encoder()
      encoder.beginRequest(1, 1, true)
      const params = [
        ['A', '1'],
        ['B', value],
      ] as unknown as Params
      assert.throws(() => encoder.params(1, params), TypeError)
      assert.equal(encoder.take().length, 0)
    })
  }
})

describe('code of the caller that runs while params are read', () => {
  const tries: [string, (encoder: Encoder) => unknown][] = [
    ['begins a request', (encoder) => encoder.beginRequest(2, 1, true)],
    ['sends params', (encoder) => encoder.params(2, { B: '2' })],
    ['sends stdin', (encoder) => encoder.stream(RecordType.Stdin, 2, hex('FF'))],
    ['ends stdin', (encoder) => encoder.streamEnd(RecordType.Stdin, 2)],
    ['writes padding', (encoder) => encoder.padding(1)],
    ['aborts a request', (encoder) => encoder.abortRequest(2)],
    ['ends a request', (encoder) => encoder.endRequest(2, 0, 0)],
    ['asks for values', (encoder) => encoder.getValues(['A'])],
    ['names an unknown type', (encoder) => encoder.unknownType(2)],
    ['takes what is half written', (encoder) => encoder.take()],
  ]
  const kinds: [string, (run: () => void) => Params][] = [
    [
      'getter',
      (run) => ({
        FIRST: '1',
        get SECOND() {
          run()
          return '2'
        },
        THIRD: '3',
      }),
    ],
    [
      'iterator',
      function* (run): Generator<[string, string]> {
        yield ['FIRST', '1']
        run()
        yield ['SECOND', '2']
        yield ['THIRD', '3']
      },
    ],
  ]
  for (const [kind, paramsThat] of kinds) {
    for (const [what, attempt] of tries) {
      test(`a ${kind} that ${what} is refused, and harms nothing when it cleans up`, () => {
        const encoder = new Encoder()
        let refused: unknown
        const params = paramsThat(() => {
          try {
            attempt(encoder)
          } catch (error) {
            refused = error
            // What a connection does for a request that could not be encoded.
            encoder.discard()
          }
        })
        encoder.beginRequest(1, 1, true)
        encoder.params(1, params)
        assert.ok(refused instanceof LocalProtocolError)
        const [begin, own, end] = readRecords(encoder.take())
        assert.equal(begin!.type, RecordType.BeginRequest)
        assert.deepEqual(texts(own!.content), [
          ['FIRST', '1'],
          ['SECOND', '2'],
          ['THIRD', '3'],
        ])
        assert.deepEqual([end!.type, end!.content.length], [RecordType.Params, 0])
      })
    }

    test(`a ${kind} that throws fails the request, and the next one is whole`, () => {
      const encoder = new Encoder()
      encoder.beginRequest(1, 1, true)
      const params = paramsThat(() => {
        throw new RangeError('mine')
      })
      assert.throws(() => encoder.params(1, params), { name: 'RangeError', message: 'mine' })
      encoder.params(1, { A: '1' })
      assert.equal(toHex(encoder.take()), toHex(encoded({ A: '1' })))
    })
  }
})

describe('pairs read', () => {
  test('are views into the bytes, not copies', () => {
    const bytes = hex('01 02 41 31 32')
    const [[name, value]] = decodePairs(bytes) as [[Uint8Array, Uint8Array]]
    assert.equal(name.buffer, bytes.buffer)
    assert.equal(value.buffer, bytes.buffer)
    assert.equal(value.byteOffset, bytes.byteOffset + 3)
  })
})

describe('byte strings', () => {
  test('joined are what each was, in memory of their own', () => {
    assert.equal(concatBytes([]).length, 0)
    const part = hex('02 03')
    const whole = concatBytes([hex('01'), hex(''), part])
    part[0] = 0xff
    assert.equal(toHex(whole), '01 02 03')
  })

  test('copied share no memory, also when they are a Buffer', () => {
    for (const bytes of [hex('01 02'), Buffer.from([1, 2])]) {
      const copy = copyBytes(bytes)
      bytes[0] = 0xff
      assert.equal(toHex(copy), '01 02')
      assert.notEqual(copy.buffer, bytes.buffer)
    }
  })
})

function assertRefused(params: Params, message: string): void {
  const encoder = new Encoder()
  encoder.beginRequest(1, 1, true)
  assert.throws(
    () => encoder.params(1, params),
    (error) =>
      error instanceof LocalProtocolError &&
      error.code === 'FCGI_ERR_PARAM_INVALID' &&
      error.message.includes(message),
  )
  assert.equal(encoder.take().length, 0)
}

function encoded(params: Params, encoding?: ParamsEncoding): Uint8Array {
  const encoder = new Encoder()
  encoder.params(1, params, encoding)
  return encoder.take()
}

/** The pairs that arrive, as text. */
function sent(params: Params, encoding?: ParamsEncoding): string[][] {
  return texts(concatBytes(readRecords(encoded(params, encoding)).map(({ content }) => content)))
}

function texts(content: Uint8Array): string[][] {
  return decodePairs(content).map((pair) => pair.map(textOf))
}
