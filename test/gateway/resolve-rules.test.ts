// The options behind the decision: what they may be, and what a wrong one is told.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type StaticOptions } from '@fastcgi/gateway'
import { compileRules, compileStatic } from '@fastcgi/gateway/parts'

const WRONG: readonly (readonly [options: object, message: RegExp])[] = [
  [
    { index: 'index.php' },
    /^index must be a list, not "index.php": each item is the name of a file/,
  ],
  [{ index: ['index.php', 'a/b.php'] }, /^index\[1\] must be the name of a file.*not "a\/b.php"/],
  [{ index: [''] }, /^index\[0\] must be/],
  [{ index: ['..'] }, /^index\[0\] must be/],
  [{ index: [7] }, /^index\[0\] must be .*, not 7/],
  [{ tryFiles: ['path'] }, /^tryFiles\[0\] must be \$path/],
  [{ tryFiles: ['$path', '/../x'] }, /^tryFiles\[1\] must be/],
  [{ tryFiles: ['$path$path'] }, /^tryFiles\[0\] must be/],
  [{ frontController: 'index.php' }, /^frontController must be false or a script by its path/],
  [{ frontController: '/index.html' }, /^frontController .*scriptExtensions: \.php/],
  [{ frontController: true }, /^frontController must be .*, not true/],
  [{ scripts: ['/a.php', '/b'] }, /^scripts\[1\] must be a script/],
  [{ scripts: ['/../a.php'] }, /^scripts\[0\] must be/],
  [{ scriptExtensions: ['php'] }, /^scriptExtensions\[0\] must be an extension with its dot/],
  [{ scriptExtensions: ['.PHP'] }, /^scriptExtensions\[0\] must be .*lower case/],
  [{ pathInfo: 'yes' }, /^pathInfo must be true or false, not "yes"/],
  [{ deny: ['/a', ''] }, /^deny\[1\] must be a pattern for paths/],
  [{ deny: ['/a//b'] }, /^deny\[0\] must be/],
  [{ deny: ['/a/../b'] }, /^deny\[0\] must be/],
  [{ noScripts: [/x/] }, /^noScripts\[0\] must be a pattern/],
]

describe('a wrong option is named', () => {
  for (const [options, message] of WRONG) {
    test(JSON.stringify(options), () => {
      assert.throws(() => compileRules(options), { name: 'TypeError', message })
    })
  }
})

const WRONG_STATIC: readonly (readonly [options: unknown, message: RegExp])[] = [
  [
    { maxage: 3 },
    /^static has no option "maxage"; it takes maxAge, immutable, precompressed, types/,
  ],
  [true, /^static must be an object of options, not true/],
  [{ maxAge: -1 }, /^static.maxAge must be a whole number of seconds, not -1/],
  [{ maxAge: '1h' }, /^static.maxAge must be a whole number of seconds, not "1h"/],
  [{ immutable: [''] }, /^static.immutable\[0\] must be a pattern/],
  [{ precompressed: 1 }, /^static.precompressed must be true or false, not 1/],
  [
    { types: { wasm: 'application/wasm' } },
    /^static.types\["wasm"\] must be named by an extension/,
  ],
  [{ types: { '.x': 'nothing' } }, /^static.types\["\.x"\] must be a content type.*not "nothing"/],
  [{ types: { '.x': 'a/b\r\nx: y' } }, /^static.types\["\.x"\] must be a content type/],
]

describe('a wrong option of static is named', () => {
  for (const [options, message] of WRONG_STATIC) {
    test(JSON.stringify(options), () => {
      const wrong = options as StaticOptions
      assert.throws(() => compileStatic(wrong), { name: 'TypeError', message })
    })
  }
})

test('without options there is a front controller, and files are sent', () => {
  const { frontController, files, index, pathInfo, scriptExtensions, scripts } = compileRules({})
  assert.deepEqual(
    { frontController, files, index, pathInfo, scriptExtensions, scripts },
    {
      frontController: '/index.php',
      files: true,
      index: ['index.php', 'index.html'],
      pathInfo: true,
      scriptExtensions: ['.php'],
      scripts: undefined,
    },
  )
})

test('where .php is no script there is no front controller but a given one', () => {
  assert.equal(compileRules({ scriptExtensions: ['.py'] }).frontController, false)
  assert.equal(
    compileRules({ scriptExtensions: ['.py'], frontController: '/app.py' }).frontController,
    '/app.py',
  )
})

test('names beyond ASCII are the bytes of their UTF-8', () => {
  const rules = compileRules({ index: ['ü.php'], scripts: ['/ü.php'], deny: ['/geheim-ü'] })
  assert.deepEqual(rules.index, ['\xc3\xbc.php'])
  assert.ok(rules.scripts?.has('/\xc3\xbc.php'))
  assert.ok(rules.deny.matches('/geheim-\xc3\xbc/a'))
})

test('letters beyond ASCII are no others in another case', () => {
  const { deny } = compileRules({ deny: ['/\u00e9'] })
  assert.ok(deny.matches('/\xc3\xa9'))
  // What `toLowerCase` makes of the first byte of the UTF-8 for É.
  assert.ok(!deny.matches('/\xe3\xa9'))
})

test('a pattern that would take a regular expression years is answered at once', () => {
  const { deny } = compileRules({ deny: ['*a*a*a*a*a*a*a*a*a*a*a*a*b'] })
  assert.ok(!deny.matches(`/${'a'.repeat(8000)}/bx`))
  assert.ok(deny.matches(`/${'a'.repeat(8000)}b`))
})
