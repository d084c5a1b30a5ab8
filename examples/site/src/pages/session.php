<?php

declare(strict_types=1);

namespace Site;

const VISIT_COOKIES = ['site_first_visit', 'site_last_visit'];

function sessionPage(): void
{
    startSession();
    $count = $_SESSION['count'] ?? 0;
    $token = tokenField();
    $now = gmdate('Y-m-d\TH:i:s\Z');
    $first = isset($_COOKIE['site_first_visit']) ? cookie('site_first_visit') : $now;
    $last = cookie('site_last_visit');
    // Two more cookies, so that even an answer without a new session has more than one Set-Cookie.
    foreach (array_combine(VISIT_COOKIES, [$first, $now]) as $name => $value) {
        setcookie($name, $value, visitCookie(time() + 30 * 86400));
    }
    page('Session', static function () use ($count, $token, $first, $last): void {
        heading('A session', 'PHP keeps the number. Your browser has only the name of the session, in a cookie that no script can read.');
        ?>
<form class="panel counter" method="post" action="<?= e(url('/session')) ?>">
<?= $token ?>
<p><output class="number" data-count><?= (int) $count ?></output> <span>counted in this session</span></p>
<p class="actions">
<button name="action" value="count">Count</button>
<button name="action" value="leave" class="second">Forget me</button>
</p>
</form>
<?php
        table('Your visits', [
            'First' => $first,
            'The last before this' => $last === '' ? 'this is the first' : $last,
            'Cookies that came' => $_COOKIE === [] ? 'none' : implode(', ', array_keys($_COOKIE)),
        ]);
        echo '<p class="hint">Each answer of this page sets two cookies, in two <code>Set-Cookie</code> fields; the first one sets three.</p>';
    });
}

function cookie(string $name): string
{
    $value = $_COOKIE[$name] ?? '';
    return is_string($value) && preg_match('/^[0-9TZ:-]{20}$/', $value) ? $value : '';
}

/** @return array<string, mixed> */
function visitCookie(int $expires): array
{
    return ['expires' => $expires, 'path' => url('/'), 'httponly' => true, 'samesite' => 'Lax', 'secure' => isHttps()];
}

function sessionPost(): void
{
    if (!isOurForm()) {
        return;
    }
    if (post('action') === 'leave') {
        $_SESSION = [];
        session_destroy();
        foreach (array_merge([SESSION_NAME], VISIT_COOKIES) as $name) {
            setcookie($name, '', visitCookie(1));
        }
    } else {
        $_SESSION['count'] = ($_SESSION['count'] ?? 0) + 1;
    }
    seeOther('/session');
}
