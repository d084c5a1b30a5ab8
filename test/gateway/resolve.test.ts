// What answers for a path: each row is one behaviour.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decodePath } from '@fastcgi/client/http'
import { type SiteOptions } from '@fastcgi/gateway'
import { compileRules, resolve, type Resolution } from '@fastcgi/gateway/parts'
import { lookupOf } from '../support/file-trees.ts'

const FILES = [
  '/index.php',
  '/app.php',
  '/a.txt',
  '/style.css',
  '/upload.php',
  '/avatar.jpg',
  '/about.html',
  '/hello.php',
  '/old.phtml',
  '/tool.py',
  '/blog/index.php',
  '/docs/index.html',
  '/both/index.php',
  '/both/index.html',
  '/empty/picture.png',
  '/folder.php/index.php',
  '/folder.php/inner.php',
  '/uploads/evil.php',
  '/uploads/index.php',
  '/uploads/photo.jpg',
  '/config/secret.txt',
  '/dump.sql',
  '/deep/down/dump.sql',
  '/.env',
  '/.git/config',
  '/.well-known/security.txt',
  '/sub/.well-known/x.txt',
  '/.user.ini',
  '/.htaccess',
  '/Shout.PHP',
  '/trail.php.',
  '/stream.php::$DATA',
  '/copy.php~',
  '/copy.php.bak',
  '/copy.php.1',
  '/copy.php-old',
  '/copy.php.gz',
  '/copy.phps',
  '/copy.php5',
  '/copy.phtml',
  '/copy.pht',
  '/archive.phar',
  '/db.inc',
  '/report.php.html',
  '/caf\xc3\xa9.txt',
  '/\xff.txt',
  '/#auto#',
  '/notes.swp',
  '/a $path.txt',
]
const look = lookupOf(FILES)

/** Short: the file's path, `run <script> [<PATH_INFO>]`, `-> <path>`, or the status. */
function short(resolution: Resolution): string {
  if (resolution.type === 'file') return resolution.path
  if (resolution.type === 'redirect') return `-> ${resolution.path}`
  if (resolution.type === 'none') return String(resolution.status)
  const { scriptName, pathInfo } = resolution.script
  return `run ${scriptName}${pathInfo && ` ${pathInfo}`}`
}

type Row = readonly [what: string, path: string, answer: string, options?: SiteOptions]

function rows(name: string, table: readonly Row[], seen = true): void {
  describe(name, () => {
    for (const [what, path, answer, options = {}] of table) {
      test(`${what}: ${path}`, () => {
        const rules = compileRules(options)
        assert.equal(short(resolve(decodePath(path), rules, seen ? look : undefined)), answer)
      })
    }
  })
}

rows('files and folders', [
  ['a file is sent', '/a.txt', '/a.txt'],
  ['a file with a slash behind it is none', '/a.txt/', 'run /index.php'],
  ['a name that is UTF-8', '/caf%C3%A9.txt', '/caf\xc3\xa9.txt'],
  ['a name that is not UTF-8', '/%ff.txt', '/\xff.txt'],
  ['a $ in a path is a $', '/a%20$path.txt', '/a $path.txt'],
  ['a folder without its slash is redirected', '/blog', '-> /blog/'],
  ['a folder answers by its script', '/blog/', 'run /blog/index.php'],
  ['a folder answers by its page', '/docs/', '/docs/index.html'],
  ['the first index that is there counts', '/both/', 'run /both/index.php'],
  [
    'another order of indexes',
    '/both/',
    '/both/index.html',
    { index: ['index.html', 'index.php'] },
  ],
  ['the root', '/', 'run /index.php'],
  ['a folder without an index goes to the front controller', '/empty/', 'run /index.php'],
  ['... without a redirect, which could go round', '/empty', 'run /index.php'],
  ['... and is not there without one', '/empty/', '404', { frontController: false }],
  ['no files when they are switched off', '/a.txt', 'run /index.php', { static: false }],
  ['scripts all the same', '/hello.php', 'run /hello.php', { static: false }],
])

rows('scripts', [
  ['a script runs', '/hello.php', 'run /hello.php'],
  ['a script with PATH_INFO', '/upload.php/x', 'run /upload.php /x'],
  ['PATH_INFO may be a slash', '/upload.php/', 'run /upload.php /'],
  ['PATH_INFO may name another script', '/upload.php/hello.php', 'run /upload.php /hello.php'],
  ['... unless that is off', '/upload.php/x', '404', { pathInfo: false }],
  ['no PATH_INFO, and it is off', '/upload.php', 'run /upload.php', { pathInfo: false }],
  ['a file is no script, whatever comes behind it', '/avatar.jpg/x.php', '404'],
  ['a folder is no script', '/folder.php/inner.php', 'run /folder.php/inner.php'],
  ['... and has an index', '/folder.php/', 'run /folder.php/index.php'],
  ['a script that is not there is not the front controller', '/missing.php', '404'],
  ['... with PATH_INFO neither', '/missing.php/x', '404'],
  ['... nor in another case', '/missing.PHP', '404'],
  ['... nor with a dot behind it', '/missing.php.', '404'],
  ['the only scripts that may run', '/app.php', 'run /app.php', { scripts: ['/app.php'] }],
  ['any other may not', '/hello.php', '404', { scripts: ['/app.php'] }],
  [
    'an index that may not run gives way to the front controller',
    '/blog/',
    'run /app.php',
    { scripts: ['/app.php'], frontController: '/app.php' },
  ],
  ['several extensions', '/tool.py/x', 'run /tool.py /x', { scriptExtensions: ['.php', '.py'] }],
  [
    'the first of them from the left',
    '/tool.py/a.php',
    'run /tool.py /a.php',
    { scriptExtensions: ['.php', '.py'] },
  ],
  ['an extension that is not named is a file', '/tool.py', '/tool.py'],
  ['the sign for kelvin is no k, and \u017f no s', '/upload.ph\u017f', 'run /index.php'],
])

rows(
  'sources',
  [
    '/Shout.PHP',
    '/trail.php.',
    '/stream.php::$DATA',
    '/copy.php~',
    '/copy.php.bak',
    '/copy.php.1',
    '/copy.php-old',
    '/copy.php.gz',
    '/copy.phps',
    '/copy.php5',
    '/copy.phtml',
    '/copy.pht',
    '/archive.phar',
    '/db.inc',
  ].map((path) => ['is never sent', path, '404'] as const),
)

rows('sources by the options', [
  [
    'is never sent when it is none of the extensions',
    '/hello.php',
    '404',
    { scriptExtensions: ['.py'] },
  ],
  ['runs when it is', '/old.phtml', 'run /old.phtml', { scriptExtensions: ['.phtml'] }],
  ['a document about a script is no script', '/report.php.html', '/report.php.html'],
])

rows('what is always denied', [
  ['dotfiles', '/.env', '404'],
  ['dot-folders', '/.git/config', '404'],
  ['what is not there', '/.anything', '404'],
  ['.user.ini', '/.user.ini', '404'],
  ['.htaccess', '/.htaccess', '404'],
  ['on any segment', '/blog/.hidden/a', '404'],
  ['in PATH_INFO as well', '/index.php/.git/config', '404'],
  ['well-known paths are not', '/.well-known/security.txt', '/.well-known/security.txt'],
  ['... they may be the front controller\u2019s', '/.well-known/acme', 'run /index.php'],
  ['... what only begins like it is', '/.well-known-x/a', '404'],
  ['... and only in the root', '/sub/.well-known/x.txt', '404'],
  ['... and not what is hidden below', '/.well-known/.env', '404'],
  ['what vim leaves', '/notes.swp', '404'],
  ['... in another case', '/notes.SWP', '404'],
  ['what emacs leaves', '/%23auto%23', '404'],
  ['leftovers as folders', '/blog.bak/a.txt', '404'],
  ['leftovers with a dot behind', '/copy.bak.', '404'],
])

const DENY: SiteOptions = { deny: ['/config/**', '*.sql', '/hello.php', '/a/*/c', '/x/**/z'] }
rows('what the option deny denies', [
  ['below a folder', '/config/secret.txt', '404', DENY],
  ['the folder', '/config/', '404', DENY],
  ['the folder without its slash', '/config', '404', DENY],
  ['in another case, for disks that do not tell them apart', '/Config/secret.txt', '404', DENY],
  ['only whole names', '/configuration', 'run /index.php', DENY],
  ['anywhere', '/deep/down/dump.sql', '404', DENY],
  ['in the root', '/dump.sql', '404', DENY],
  ['a script with PATH_INFO', '/hello.php/x', '404', DENY],
  ['a star is one name', '/a/b/c', '404', DENY],
  ['a star is not two', '/a/b/b/c', 'run /index.php', DENY],
  ['two stars are any number of folders', '/x/1/2/z', '404', DENY],
  ['two stars are none', '/x/z', '404', DENY],
  ['from the root only', '/blog/config/a', 'run /index.php', DENY],
  ['an index', '/docs/', '404', { deny: ['index.html'] }],
  ['what try_files finds', '/about', '404', { tryFiles: ['$path.html'], deny: ['*.html'] }],
  ['everything', '/a.txt', '404', { deny: ['**'] }],
])

const UPLOADS: SiteOptions = { noScripts: ['/uploads/**'] }
rows('where no script runs', [
  ['a script', '/uploads/evil.php', '403', UPLOADS],
  ['a script that is not there', '/uploads/missing.php', '403', UPLOADS],
  ['a script with PATH_INFO', '/uploads/evil.php/x.jpg', '403', UPLOADS],
  ['a file with a script behind it', '/uploads/photo.jpg/x.php', '403', UPLOADS],
  ['in another case', '/UPLOADS/evil.php', '403', UPLOADS],
  ['an index', '/uploads/', '403', UPLOADS],
  ['files are sent', '/uploads/photo.jpg', '/uploads/photo.jpg', UPLOADS],
  [
    'what is not there is the front controller\u2019s',
    '/uploads/thumb.jpg',
    'run /index.php',
    UPLOADS,
  ],
  [
    'what try_files finds',
    '/uploads/evil',
    '403',
    { ...UPLOADS, tryFiles: ['$path', '$path.php'] },
  ],
  ['a source in another spelling is nothing', '/uploads/evil.PHP', '404', UPLOADS],
])

rows('try_files', [
  ['with an extension', '/about', '/about.html', { tryFiles: ['$path', '$path.html'] }],
  ['to a script', '/hello', 'run /hello.php', { tryFiles: ['$path', '$path.php'] }],
  ['no extension behind a slash', '/about/', 'run /index.php', { tryFiles: ['$path.html'] }],
  ['a file of a folder', '/docs/', '/docs/index.html', { tryFiles: ['$path/index.html'] }],
  ['one file for all', '/any/where', '/about.html', { tryFiles: ['$path', '/about.html'] }],
  ['one folder for all', '/any/where', '/docs/index.html', { tryFiles: ['$path', '/docs/'] }],
  ['no folders', '/docs/', 'run /index.php', { tryFiles: ['$path'] }],
  ['nothing but the front controller', '/a.txt', 'run /index.php', { tryFiles: [] }],
])

rows('the front controller', [
  ['what is not there', '/users/1', 'run /index.php'],
  ['another one', '/users/1', 'run /app.php', { frontController: '/app.php' }],
  ['none', '/users/1', '404', { frontController: false }],
  ['one that is not there', '/users/1', '404', { frontController: '/nowhere.php' }],
])

rows(
  'files on another machine',
  [
    ['a script', '/any.php', 'run /any.php'],
    ['a script with PATH_INFO', '/any.php/x/y.php', 'run /any.php /x/y.php'],
    ['anything else is the front controller\u2019s', '/a.txt', 'run /index.php'],
    ['a folder by its index', '/blog/', 'run /blog/index.php', { frontController: false }],
    ['nothing without either', '/blog', '404', { frontController: false }],
    ['the only scripts', '/any.php', '404', { scripts: ['/index.php'] }],
    ['no scripts below', '/uploads/x.php', '403', UPLOADS],
    ['another spelling', '/any.PHP', '404'],
    ['what is denied', '/config/x.php', '404', DENY],
    ['what is hidden', '/.git/x.php', '404'],
    ['a hidden file that looks like an extension', '/a/.php', '404'],
  ],
  false,
)

test('a reason says what stood in the way', () => {
  const reason = (path: string, options: SiteOptions): string => {
    const answer = resolve(path, compileRules(options), look)
    return answer.type === 'none' ? answer.reason : answer.type
  }
  assert.match(reason('/hello.php', { scripts: ['/app.php'] }), /option scripts/)
  assert.match(reason('/upload.php/x', { pathInfo: false }), /option pathInfo/)
  assert.match(reason('/nowhere', { frontController: '/no.php' }), /front controller \/no\.php/)
})
