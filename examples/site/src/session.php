<?php
// Sessions on any backend, and what stands on them: tokens for forms, and messages for the next page.

declare(strict_types=1);

namespace Site;

const SESSION_NAME = 'site_session';

/** A folder of this process alone. Fails rather than to trust one that somebody else has made. */
function privateFolder(): string
{
    // The owner of a file just made is who we are; the posix functions may be missing.
    $probe = (string) tempnam(sys_get_temp_dir(), 'own');
    $owner = fileowner($probe);
    unlink($probe);
    $folder = sys_get_temp_dir() . "/fastcgi-site-$owner";
    if (!is_dir($folder) && !@mkdir($folder, 0700) && !is_dir($folder)) {
        throw new \RuntimeException("cannot make $folder for sessions");
    }
    if (is_link($folder) || fileowner($folder) !== $owner) {
        throw new \RuntimeException("$folder belongs to somebody else; remove it");
    }
    return $folder;
}

function startSession(): void
{
    if (session_status() === PHP_SESSION_ACTIVE) {
        return;
    }
    if (ini_get('session.save_handler') === 'files') {
        // The folder may have a depth and a mode before it: "2;0600;/var/lib/php/sessions".
        $parts = explode(';', (string) session_save_path());
        $folder = (string) end($parts);
        // Embedded PHP may keep them in the memory of one worker, where no other finds them again.
        if ($folder === '' || isEmbedded() || !@is_writable($folder)) {
            session_save_path(privateFolder());
        }
    }
    session_name(SESSION_NAME);
    session_start([
        'use_strict_mode' => '1',
        // The pages say themselves what may be kept.
        'cache_limiter' => '',
        'cookie_httponly' => '1',
        'cookie_samesite' => 'Lax',
        'cookie_path' => url('/'),
        'cookie_secure' => isHttps() ? '1' : '0',
    ]);
}

function isHttps(): bool
{
    return !in_array(strtolower(server('HTTPS')), ['', 'off'], true);
}

/** Proves that a form comes from this site. */
function token(): string
{
    startSession();
    $_SESSION['token'] = $_SESSION['token'] ?? bin2hex(random_bytes(16));
    return $_SESSION['token'];
}

function tokenField(): string
{
    return '<input type="hidden" name="token" value="' . e(token()) . '">';
}

/** Answers by itself when the form does not come from this site. */
function isOurForm(): bool
{
    if (hash_equals(token(), post('token'))) {
        return true;
    }
    $text = 'The form is not from this session. Go back, reload the page and send it again.';
    wantsJson() ? json(['error' => $text], 403) : message(403, 'Send it once more', $text);
    return false;
}

/** @param mixed $value for the next page of this session */
function leave(string $name, $value): void
{
    startSession();
    $_SESSION["next:$name"] = $value;
}

/** @return mixed what an earlier request has left, once */
function collect(string $name)
{
    startSession();
    $value = $_SESSION["next:$name"] ?? null;
    unset($_SESSION["next:$name"]);
    return $value;
}
