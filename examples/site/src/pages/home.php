<?php

declare(strict_types=1);

namespace Site;

const CARDS = [
    '/form' => ['Form', 'A POST with its fields checked by PHP, a token, and a redirect afterwards.'],
    '/upload' => ['Upload', 'Files with their progress, and proof that every byte arrives as it was sent.'],
    '/session' => ['Session', 'A counter that PHP remembers, and several cookies on one answer.'],
    '/events' => ['Events', 'PHP speaks while you watch: server-sent events, one by one, until you stop them.'],
    '/download' => ['Download', 'PHP decides who gets a file. The gateway sends it, so that PHP is free again.'],
    '/fail' => ['Failures', 'An exception, half an answer, a slow page: what goes wrong, and how you see it.'],
];

function home(): void
{
    page('', static function (): void {
        $software = server('SERVER_SOFTWARE');
        ?>
<section class="hero" aria-labelledby="title">
<div>
<h1 id="title">PHP, without another web server in&nbsp;front.</h1>
<p class="lead">PHP makes every page of this site. A gateway written in TypeScript takes HTTP from your browser,
speaks FastCGI to PHP, and hands on what PHP says while PHP says&nbsp;it.</p>
</div>
<section class="facts" aria-labelledby="facts">
<h2 id="facts">This page was made by</h2>
<p class="engine"><?= e(backend()) ?></p>
<dl>
<div><dt>PHP</dt><dd><?= e(PHP_VERSION) ?></dd></div>
<div><dt>Interface</dt><dd><?= e(PHP_SAPI) ?></dd></div>
<div><dt>Process</dt><dd><?= getmypid() ?></dd></div>
<div><dt>Server</dt><dd><?= e($software === '' ? 'not said' : $software) ?></dd></div>
</dl>
<p><a href="<?= e(url('/info')) ?>">All that PHP sees of your request</a></p>
</section>
</section>
<ol class="way" aria-label="The way of a request">
<li><b>Browser</b></li>
<li class="link">HTTP</li>
<li><b>Gateway</b><span>TypeScript</span></li>
<li class="link">FastCGI</li>
<li><b><?= e(backend()) ?></b><span>PHP <?= e(PHP_VERSION) ?></span></li>
</ol>
<section aria-labelledby="try">
<h2 id="try" class="quiet">Try it</h2>
<ul class="cards">
<?php foreach (CARDS as $path => [$name, $text]): ?>
<li class="card"><h3><a href="<?= e(url($path)) ?>"><?= e($name) ?></a></h3><p><?= e($text) ?></p></li>
<?php endforeach ?>
</ul>
</section>
<?php
    }, 'home');
}
