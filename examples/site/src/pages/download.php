<?php

declare(strict_types=1);

namespace Site;

function downloadPage(): void
{
    startSession();
    $isOpen = $_SESSION['postcard'] ?? false;
    $token = tokenField();
    page('Download', static function () use ($isOpen, $token): void {
        heading('A file that PHP guards', 'The postcard is not below the document root, so that no address leads to it. PHP decides who gets it, and the gateway sends it.');
        $file = url('/download/postcard.svg');
        ?>
<div class="panel postcard">
<?php if ($isOpen): ?>
<img src="<?= e($file) ?>" width="720" height="400" alt="A postcard: hills below an evening sky, and the words Greetings from PHP">
<?php else: ?>
<p class="locked">The postcard is locked. <a href="<?= e($file) ?>">Ask for it</a>, and PHP says no.</p>
<?php endif ?>
<form method="post" action="<?= e(url('/download')) ?>">
<?= $token ?>
<p class="actions">
<?php if ($isOpen): ?>
<button name="action" value="lock" class="second">Lock it</button>
<a class="button second" href="<?= e($file) ?>" download>Save it</a>
<button type="button" class="second" data-range="<?= e($file) ?>" hidden>Ask for 100 bytes of it</button>
<?php else: ?>
<button name="action" value="unlock">Unlock it</button>
<?php endif ?>
</p>
</form>
<p class="result" role="status"></p>
</div>
<p class="hint">PHP answers with <code>X-Accel-Redirect: /protected/postcard.svg</code> and is done. Your browser never sees that field.</p>
<?php
    });
}

function downloadPost(): void
{
    if (!isOurForm()) {
        return;
    }
    $_SESSION['postcard'] = post('action') === 'unlock';
    seeOther('/download');
}

function downloadFile(): void
{
    startSession();
    if (!($_SESSION['postcard'] ?? false)) {
        message(403, 'Locked', 'Unlock the postcard first, on the page before.');
        return;
    }
    header('Content-Type: image/svg+xml');
    header('Cache-Control: private, no-cache');
    header('X-Accel-Redirect: /protected/postcard.svg');
}
