<?php

declare(strict_types=1);

namespace Site;

const FAILURES = [
    '/fail/exception' => ['An exception', 'Nobody catches it. You get a 500, the log gets the cause, and in development the page shows it too.'],
    '/fail/truncated' => ['Half an answer', 'PHP announces 1000 bytes and stops after 100. That must never look like a whole page.'],
    '/fail/slow' => ['A slow page', 'PHP thinks for three seconds. Every other page answers meanwhile.'],
    '/no-such-page' => ['No page', 'What is no file goes to the front controller, and it knows no such page.'],
];

function failPage(): void
{
    page('Failures', static function (): void {
        heading('What goes wrong', 'A gateway shows its worth when something fails. Try each one here, or open it as a page.');
        ?>
<ul class="failures">
<?php foreach (FAILURES as $path => [$name, $text]): ?>
<li class="panel" data-try="<?= e(url($path)) ?>">
<h2><?= e($name) ?></h2>
<p><?= e($text) ?></p>
<p class="actions"><button type="button" hidden>Try it here</button> <a class="button second" href="<?= e(url($path)) ?>">Open it<span class="unseen">: <?= e($name) ?></span></a></p>
<p class="result" role="status"></p>
</li>
<?php endforeach ?>
</ul>
<?php
    });
}

function failException(): void
{
    throw new \RuntimeException('This page fails on purpose');
}

function failTruncated(): void
{
    unbuffered();
    header('Content-Type: text/plain; charset=utf-8');
    header('Content-Length: 1000');
    header('Cache-Control: no-store, no-transform');
    echo str_pad('One hundred of the thousand bytes that were announced.', 99, '.'), "\n";
    flush();
    // The browser is to have these before the script ends: then a 502 comes too late, and the answer can only break off.
    usleep(300 * 1000);
}

function failSlow(): void
{
    sleep(3);
    message(200, 'At last', 'PHP has slept for three seconds.');
}
