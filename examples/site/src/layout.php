<?php
// The frame of every page.

declare(strict_types=1);

namespace Site;

const NAVIGATION = [
    '/form' => 'Form',
    '/upload' => 'Upload',
    '/session' => 'Session',
    '/events' => 'Events',
    '/download' => 'Download',
    '/fail' => 'Failures',
    '/info' => 'Request',
];

function asset(string $name): string
{
    $file = __DIR__ . "/../public/assets/$name";
    return e(url("/assets/$name") . '?v=' . dechex((int) filemtime($file)));
}

/** @param callable(): void $body writes what is inside of <main> */
function page(string $title, callable $body, string $kind = 'page'): void
{
    header('Content-Type: text/html; charset=utf-8');
    header('Cache-Control: no-store');
    header("Content-Security-Policy: default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'");
    header('X-Content-Type-Options: nosniff');
    header('Referrer-Policy: same-origin');
    $current = '/' . (explode('/', path())[1] ?? '');
    $whole = $title === '' ? 'PHP behind a FastCGI gateway' : "$title · PHP behind a FastCGI gateway";
    ?>
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title><?= e($whole) ?></title>
<link rel="icon" href="<?= asset('favicon.svg') ?>" type="image/svg+xml">
<link rel="stylesheet" href="<?= asset('site.css') ?>">
<script type="module" src="<?= asset('site.js') ?>"></script>
</head>
<body class="<?= e($kind) ?>">
<a class="skip" href="#content">Skip to the content</a>
<header class="top">
<div class="inside">
<a class="brand" href="<?= e(url('/')) ?>"<?= $current === '/' ? ' aria-current="page"' : '' ?>><img src="<?= asset('favicon.svg') ?>" width="26" height="26" alt=""> FastCGI <span>example site</span></a>
<nav aria-label="Demonstrations">
<ul>
<?php foreach (NAVIGATION as $path => $name): ?>
<li><a href="<?= e(url($path)) ?>"<?= $current === $path ? ' aria-current="page"' : '' ?>><?= e($name) ?></a></li>
<?php endforeach ?>
</ul>
</nav>
</div>
</header>
<main id="content" class="inside" tabindex="-1">
<?php $body() ?>
</main>
<footer class="inside">
<p>Made by <?= e(backend()) ?>, PHP <?= e(PHP_VERSION) ?>, process <?= getmypid() ?>, for <?= e(server('REQUEST_METHOD')) ?> <code><?= e(path()) ?></code>.</p>
</footer>
</body>
</html>
<?php
}

function heading(string $title, string $lead): void
{
    ?>
<div class="heading">
<h1><?= e($title) ?></h1>
<p class="lead"><?= e($lead) ?></p>
</div>
<?php
}

/** A page that says one thing. */
function message(int $status, string $title, string $text): void
{
    http_response_code($status);
    page($title, static function () use ($status, $title, $text): void {
        ?>
<div class="heading">
<p class="status"><?= $status ?></p>
<h1><?= e($title) ?></h1>
<p class="lead"><?= e($text) ?></p>
<p><a class="button" href="<?= e(url('/')) ?>">To the first page</a></p>
</div>
<?php
    });
}

/** @param array<string, string> $rows */
function table(string $caption, array $rows): void
{
    ?>
<div class="scroll" role="region" aria-label="<?= e($caption) ?>" tabindex="0">
<table>
<caption><?= e($caption) ?></caption>
<tbody>
<?php foreach ($rows as $name => $value): ?>
<tr><th scope="row"><?= e((string) $name) ?></th><td><?= $value === '' ? '<span class="nothing">empty</span>' : e($value) ?></td></tr>
<?php endforeach ?>
</tbody>
</table>
</div>
<?php
}
