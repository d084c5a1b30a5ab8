// WordPress, in the root of its site.

import type { SiteOptions } from '../options.ts'
import { PROJECT_FILES } from './project-files.ts'

// Many scripts are entrances: wp-login.php, wp-admin/*, wp-cron.php, wp-comments-post.php, xmlrpc.php (which apps and Jetpack use), and those
// of plugins. So there is no list of them; folders that hold none are closed instead.
export const wordpress: SiteOptions = {
  index: ['index.php', 'index.html'],
  // Its own .htaccess: what is no file and no folder goes to index.php, and the permalink is read from REQUEST_URI.
  frontController: '/index.php',
  noScripts: [
    // Written by the media library and by plugins; "Hardening WordPress" closes the first one.
    '/wp-content/uploads/**',
    '/wp-content/cache/**',
    '/wp-content/upgrade/**',
    '/wp-content/upgrade-temp-backup/**',
    // Uploads of networks that began before WordPress 3.5.
    '/wp-content/blogs.dir/**',
    // Only ever included: "Hardening WordPress", "Securing wp-includes".
    '/wp-includes/**',
    '/wp-admin/includes/**',
  ],
  deny: [
    ...PROJECT_FILES,
    // Passwords of the database. It answers with nothing, until some day PHP does not run it.
    '/wp-config.php',
    '/wp-config-sample.php',
    // They tell the version.
    '/readme.html',
    '/license.txt',
    // WP_DEBUG_LOG.
    '/wp-content/debug.log',
    // Dumps, and where widespread backup plugins put theirs.
    '*.sql',
    '*.wpress',
    '/wp-content/ai1wm-backups/**',
    '/wp-content/updraft/**',
    '/wp-content/backups-dup-*/**',
  ],
}
