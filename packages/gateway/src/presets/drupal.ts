// Drupal 10 and 11; the root is the folder of its index.php, often called `web`.

import type { SiteOptions } from '../options.ts'
import { PROJECT_FILES } from './project-files.ts'

export const drupal: SiteOptions = {
  index: ['index.php'],
  frontController: '/index.php',
  // Its .htaccess refuses every other script in a folder. Some of these take a PATH_INFO: /update.php/selection.
  scripts: [
    '/index.php',
    '/update.php',
    '/core/authorize.php',
    '/core/install.php',
    '/core/rebuild.php',
    // Counts views; gone in Drupal 11.
    '/core/modules/statistics/statistics.php',
  ],
  // Uploads, and what Drupal generates. Missing thumbnails there still go to the front controller, which makes them.
  noScripts: ['/sites/*/files/**'],
  deny: [
    ...PROJECT_FILES,
    // <FilesMatch> of its .htaccess: sources and configuration that are not called .php.
    '*.engine',
    '*.install',
    '*.make',
    '*.module',
    '*.profile',
    '*.po',
    '*.sh',
    '*.sql',
    '*.theme',
    '*.tpl',
    '*.tpl.php',
    '*.twig',
    '*.xtmpl',
    '*.yml',
    // Files that only PHP hands out, after asking who it is.
    '/sites/*/private/**',
    // Configuration as older versions keep it, and the compiled templates.
    '/sites/*/files/config_*/**',
    '/sites/*/files/php/**',
    // They tell the version.
    '/core/*.txt',
    '/INSTALL.txt',
    '/README.txt',
    '/README.md',
  ],
}
