// The presets, by paths as they are asked for at real installations.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decodePath } from '@fastcgi/client/http'
import { type PresetName, type SiteOptions } from '@fastcgi/gateway'
import {
  applyPreset,
  compileRules,
  compileStatic,
  resolve,
  type Resolution,
} from '@fastcgi/gateway/parts'
import { lookupOf } from '../support/file-trees.ts'

type Row = readonly [what: string, path: string, answer: string]

/** Short: `file`, `run <script> [<PATH_INFO>]`, `-> <path>`, or the status. */
function short(resolution: Resolution): string {
  if (resolution.type === 'file') return 'file'
  if (resolution.type === 'redirect') return `-> ${resolution.path}`
  if (resolution.type === 'none') return String(resolution.status)
  const { scriptName, pathInfo } = resolution.script
  return `run ${scriptName}${pathInfo && ` ${pathInfo}`}`
}

function rows(preset: PresetName, files: readonly string[], table: readonly Row[]): void {
  describe(preset, () => {
    const rules = compileRules(applyPreset({ preset }))
    const look = lookupOf(files)
    for (const [what, path, answer] of table) {
      test(`${what}: ${path}`, () => {
        assert.equal(short(resolve(decodePath(path), rules, look)), answer)
      })
    }
  })
}

rows(
  'wordpress',
  [
    '/index.php',
    '/wp-login.php',
    '/wp-cron.php',
    '/wp-comments-post.php',
    '/xmlrpc.php',
    '/wp-config.php',
    '/wp-config-sample.php',
    '/wp-config.php.bak',
    '/readme.html',
    '/license.txt',
    '/.htaccess',
    '/backup.sql',
    '/composer.json',
    '/wp-admin/index.php',
    '/wp-admin/admin-ajax.php',
    '/wp-admin/install.php',
    '/wp-admin/includes/file.php',
    '/wp-admin/css/login.min.css',
    '/wp-includes/version.php',
    '/wp-includes/js/jquery/jquery.min.js',
    '/wp-content/index.php',
    '/wp-content/debug.log',
    '/wp-content/uploads/2026/11/photo.jpg',
    '/wp-content/uploads/2026/11/shell.php',
    '/wp-content/uploads/2026/11/shell.phtml',
    '/wp-content/cache/page.php',
    '/wp-content/updraft/db.gz',
    '/wp-content/backups-dup-lite/site.zip',
    '/wp-content/plugins/akismet/akismet.php',
    '/wp-content/plugins/akismet/readme.txt',
    '/wp-content/themes/twenty/style.css',
  ],
  [
    ['the home page', '/', 'run /index.php'],
    ['a permalink', '/2026/11/hello-world/', 'run /index.php'],
    ['a permalink with index.php', '/index.php/2026/11/hello/', 'run /index.php /2026/11/hello/'],
    ['the REST API', '/wp-json/wp/v2/posts', 'run /index.php'],
    ['a feed', '/feed/', 'run /index.php'],
    ['the sitemap', '/wp-sitemap.xml', 'run /index.php'],
    ['robots.txt, which WordPress makes', '/robots.txt', 'run /index.php'],
    ['logging in', '/wp-login.php', 'run /wp-login.php'],
    ['the admin area', '/wp-admin/', 'run /wp-admin/index.php'],
    ['the admin area without its slash', '/wp-admin', '-> /wp-admin/'],
    ['AJAX', '/wp-admin/admin-ajax.php', 'run /wp-admin/admin-ajax.php'],
    ['the installer', '/wp-admin/install.php', 'run /wp-admin/install.php'],
    ['cron', '/wp-cron.php', 'run /wp-cron.php'],
    ['a comment', '/wp-comments-post.php', 'run /wp-comments-post.php'],
    ['XML-RPC, which apps use', '/xmlrpc.php', 'run /xmlrpc.php'],
    ['styles', '/wp-admin/css/login.min.css', 'file'],
    ['scripts for the browser', '/wp-includes/js/jquery/jquery.min.js', 'file'],
    ['a theme', '/wp-content/themes/twenty/style.css', 'file'],
    ['an upload', '/wp-content/uploads/2026/11/photo.jpg', 'file'],
    ['an upload that is not there', '/wp-content/uploads/2026/11/none.jpg', 'run /index.php'],
    ['a script that was uploaded', '/wp-content/uploads/2026/11/shell.php', '403'],
    ['... in another spelling', '/wp-content/uploads/2026/11/shell.phtml', '404'],
    ['... behind a picture', '/wp-content/uploads/2026/11/photo.jpg/x.php', '403'],
    ['a script in a cache', '/wp-content/cache/page.php', '403'],
    ['what is only included', '/wp-includes/version.php', '403'],
    ['what is only included in the admin area', '/wp-admin/includes/file.php', '403'],
    [
      'a plugin of its own entrance',
      '/wp-content/plugins/akismet/akismet.php',
      'run /wp-content/plugins/akismet/akismet.php',
    ],
    ['the configuration', '/wp-config.php', '404'],
    ['its copy', '/wp-config.php.bak', '404'],
    ['its sample', '/wp-config-sample.php', '404'],
    ['the version', '/readme.html', '404'],
    ['the log', '/wp-content/debug.log', '404'],
    ['a dump', '/backup.sql', '404'],
    ['a backup', '/wp-content/updraft/db.gz', '404'],
    ['another backup', '/wp-content/backups-dup-lite/site.zip', '404'],
    ['packages', '/composer.json', '404'],
    ['.htaccess', '/.htaccess', '404'],
    ['a probe', '/wp-content/plugins/old/hole.php', '404'],
  ],
)

rows(
  'laravel',
  [
    '/index.php',
    '/favicon.ico',
    '/robots.txt',
    '/.htaccess',
    '/info.php',
    '/build/manifest.json',
    '/build/assets/app-4ed993c7.js',
    '/storage/avatars/1.png',
    '/storage/avatars/shell.php',
    '/storage/logs/laravel.log',
    '/vendor/horizon/app.js',
    '/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php',
    '/composer.json',
    '/artisan',
    '/.env',
    '/web.config',
  ],
  [
    ['the home page', '/', 'run /index.php'],
    ['a route', '/login', 'run /index.php'],
    ['a route with index.php', '/index.php/login', 'run /index.php /login'],
    ['an API', '/api/users/1', 'run /index.php'],
    ['health', '/up', 'run /index.php'],
    ['a route that is called like a folder elsewhere', '/config', 'run /index.php'],
    ['an asset', '/build/assets/app-4ed993c7.js', 'file'],
    ['an icon', '/favicon.ico', 'file'],
    ['an upload', '/storage/avatars/1.png', 'file'],
    ['a script that was uploaded', '/storage/avatars/shell.php', '403'],
    ['the log', '/storage/logs/laravel.log', '404'],
    ['assets of a package', '/vendor/horizon/app.js', 'file'],
    ['the hole of an old PHPUnit', '/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php', '404'],
    ['another script', '/info.php', '404'],
    ['the environment', '/.env', '404'],
    ['artisan', '/artisan', '404'],
    ['packages', '/composer.json', '404'],
    ['rules for IIS', '/web.config', '404'],
    ['a folder with nothing to answer', '/build', 'run /index.php'],
  ],
)

rows(
  'symfony',
  [
    '/index.php',
    '/config.php',
    '/app_dev.php',
    '/bundles/api/style.css',
    '/build/app.3f2a1b.js',
    '/assets/styles/app-bc5d.css',
    '/composer.lock',
    '/templates/base.html.twig',
  ],
  [
    ['the home page', '/', 'run /index.php'],
    ['a route', '/blog/1', 'run /index.php'],
    ['a route with index.php', '/index.php/blog', 'run /index.php /blog'],
    ['the profiler', '/_profiler/abc', 'run /index.php'],
    ['a route that is called like a folder elsewhere', '/vendor/acme', 'run /index.php'],
    ['a folder is a route', '/bundles/', 'run /index.php'],
    ['a bundle', '/bundles/api/style.css', 'file'],
    ['Encore', '/build/app.3f2a1b.js', 'file'],
    ['AssetMapper', '/assets/styles/app-bc5d.css', 'file'],
    ['another script', '/config.php', '404'],
    ['the front controller of old for developers', '/app_dev.php', '404'],
    ['packages', '/composer.lock', '404'],
    ['a template', '/templates/base.html.twig', '404'],
  ],
)

rows(
  'drupal',
  [
    '/index.php',
    '/update.php',
    '/autoload.php',
    '/core/install.php',
    '/core/authorize.php',
    '/core/rebuild.php',
    '/core/lib/Drupal.php',
    '/core/misc/drupal.js',
    '/core/CHANGELOG.txt',
    '/core/core.services.yml',
    '/core/includes/install.inc',
    '/core/modules/node/node.module',
    '/core/modules/statistics/statistics.php',
    '/core/themes/olivero/templates/page.html.twig',
    '/sites/default/settings.php',
    '/sites/default/services.yml',
    '/sites/default/files/photo.jpg',
    '/sites/default/files/shell.php',
    '/sites/default/files/php/twig/x.php',
    '/sites/default/files/css/css_abc.css',
    '/sites/default/files/config_abc/sync/system.site.yml',
    '/sites/example.org/files/shell.php',
    '/sites/default/private/secret.pdf',
    '/vendor/autoload.php',
    '/composer.json',
    '/web.config',
    '/robots.txt',
  ],
  [
    ['the home page', '/', 'run /index.php'],
    ['a node', '/node/1', 'run /index.php'],
    ['logging in', '/user/login', 'run /index.php'],
    ['the admin area', '/admin/content', 'run /index.php'],
    ['JSON:API', '/jsonapi/node/article', 'run /index.php'],
    ['a private file, handed out by PHP', '/system/files/secret.pdf', 'run /index.php'],
    ['updating', '/update.php/selection', 'run /update.php /selection'],
    ['the installer', '/core/install.php', 'run /core/install.php'],
    ['authorising', '/core/authorize.php', 'run /core/authorize.php'],
    [
      'counting',
      '/core/modules/statistics/statistics.php',
      'run /core/modules/statistics/statistics.php',
    ],
    ['scripts for the browser', '/core/misc/drupal.js', 'file'],
    ['an upload', '/sites/default/files/photo.jpg', 'file'],
    ['aggregated styles', '/sites/default/files/css/css_abc.css', 'file'],
    [
      'a thumbnail that is still to be made',
      '/sites/default/files/styles/large/public/photo.jpg',
      'run /index.php',
    ],
    ['a script that was uploaded', '/sites/default/files/shell.php', '403'],
    ['... to another site', '/sites/example.org/files/shell.php', '403'],
    ['compiled templates', '/sites/default/files/php/twig/x.php', '404'],
    ['exported configuration', '/sites/default/files/config_abc/sync/system.site.yml', '404'],
    ['the settings', '/sites/default/settings.php', '404'],
    ['services', '/sites/default/services.yml', '404'],
    ['private files', '/sites/default/private/secret.pdf', '404'],
    ['what is only included', '/autoload.php', '404'],
    ['... in a folder', '/core/lib/Drupal.php', '404'],
    ['... not called .php', '/core/includes/install.inc', '404'],
    ['a module', '/core/modules/node/node.module', '404'],
    ['a template', '/core/themes/olivero/templates/page.html.twig', '404'],
    ['the version', '/core/CHANGELOG.txt', '404'],
    ['packages', '/vendor/autoload.php', '404'],
    ['their list', '/composer.json', '404'],
    ['robots.txt', '/robots.txt', 'file'],
  ],
)

describe('beside a preset', () => {
  test('what is given counts more', () => {
    const options = applyPreset({ preset: 'laravel', scripts: ['/a.php'], index: ['x.html'] })
    assert.deepEqual(options.scripts, ['/a.php'])
    assert.deepEqual(options.index, ['x.html'])
    assert.equal(options.frontController, '/index.php')
    assert.equal(applyPreset({ preset: 'laravel', frontController: false }).frontController, false)
  })

  test('what forbids is added', () => {
    const { deny, noScripts } = applyPreset({
      preset: 'laravel',
      deny: ['/mine/**'],
      noScripts: ['/also/**'],
    })
    assert.ok(deny?.includes('composer.json') && deny.includes('/mine/**'))
    assert.deepEqual(noScripts, ['/storage/**', '/also/**'])
  })

  test('of static, each option counts by itself', () => {
    const both = applyPreset({ preset: 'laravel', static: { maxAge: 60 } })
    assert.deepEqual(both.static, { immutable: ['/build/assets/**'], maxAge: 60 })
    assert.equal(applyPreset({ preset: 'laravel', static: false }).static, false)
  })

  test('undefined is as if nothing were given', () => {
    const options = applyPreset({
      preset: 'laravel',
      scripts: undefined,
      static: { immutable: undefined },
    })
    assert.deepEqual(options.scripts, ['/index.php'])
    assert.deepEqual(options.static, { immutable: ['/build/assets/**'] })
  })

  test('a wrong option is still complained about', () => {
    const wrong: object = { preset: 'laravel', deny: '/a', static: true }
    const options: SiteOptions = applyPreset(wrong)
    assert.throws(() => compileRules(options), { message: /^deny must be a list/ })
    assert.throws(() => compileStatic(options.static || {}), {
      message: /^static must be an object/,
    })
  })

  test('the preset is gone, so that to apply it twice adds nothing', () => {
    const once = applyPreset({ preset: 'wordpress', deny: ['/a'] })
    assert.ok(!('preset' in once))
    assert.deepEqual(applyPreset(once), once)
  })
})

test('options without a preset are left alone', () => {
  const options: SiteOptions = { deny: ['/a'] }
  assert.equal(applyPreset(options), options)
})

test('an unknown preset is refused with those that there are', () => {
  const wrong: object = { preset: 'joomla' }
  assert.throws(() => applyPreset(wrong), {
    name: 'TypeError',
    message: 'preset must be one of wordpress, laravel, symfony, drupal, not "joomla"',
  })
})

test('what Laravel names by a hash is immutable', () => {
  const { static: options } = applyPreset({ preset: 'laravel' })
  const { immutable } = compileStatic(options || {})
  assert.ok(immutable.matches('/build/assets/app-4ed993c7.js'))
  assert.ok(!immutable.matches('/build/manifest.json'))
})
