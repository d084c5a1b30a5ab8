<?php
// What every page needs of a request and of an answer.

declare(strict_types=1);

namespace Site;

/** Text for HTML, in an element or in a quoted attribute. */
function e(string $text): string
{
    return htmlspecialchars($text, ENT_QUOTES | ENT_SUBSTITUTE, 'UTF-8');
}

/** One of the request's params, or nothing. */
function server(string $name): string
{
    $value = $_SERVER[$name] ?? '';
    return is_scalar($value) ? (string) $value : '';
}

/** One field of a form; a client may send an array where a text is expected. */
function post(string $name): string
{
    $value = $_POST[$name] ?? '';
    return is_string($value) ? $value : '';
}

/** What stands in front of the site's own paths when it is mounted below a path. */
function base(): string
{
    $script = server('SCRIPT_NAME');
    return substr($script, -10) === '/index.php' ? substr($script, 0, -10) : '';
}

function url(string $path): string
{
    return base() . $path;
}

/** Whether the URL names this script itself, as in /index.php/some/path. */
function isScriptNamed(): bool
{
    $script = server('SCRIPT_NAME');
    return $script !== '' && strpos(server('REQUEST_URI'), $script) === 0;
}

/** The path below the site. */
function path(): string
{
    $path = rawurldecode(strtok(server('REQUEST_URI'), '?') ?: '/');
    $front = isScriptNamed() ? server('SCRIPT_NAME') : base();
    if ($front !== '' && strpos($path, $front) === 0) {
        $path = substr($path, strlen($front));
    }
    return $path === '' ? '/' : $path;
}

/** @param array<string, array<string, callable>> $routes */
function route(array $routes): void
{
    $methods = $routes[path()] ?? null;
    if ($methods === null) {
        isScriptNamed() ? infoPage() : notFound();
        return;
    }
    $method = server('REQUEST_METHOD') === 'HEAD' ? 'GET' : server('REQUEST_METHOD');
    if (isset($methods[$method])) {
        $methods[$method]();
        return;
    }
    header('Allow: ' . implode(', ', array_keys($methods)));
    message(405, 'Not this way', "This address does not take $method.");
}

function notFound(): void
{
    message(404, 'Nothing here', 'There is no page at ' . path() . '.');
}

/** After a POST, so that a reload does not send it again. */
function seeOther(string $path): void
{
    header('Location: ' . url($path), true, 303);
}

/** @param mixed $value */
function json($value, int $status = 200): void
{
    http_response_code($status);
    header('Content-Type: application/json');
    header('Cache-Control: no-store');
    echo json_encode($value, JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE);
}

function wantsJson(): bool
{
    return strpos(server('HTTP_ACCEPT'), 'application/json') !== false;
}

/** The answer as it is written, not when a buffer is full. */
function unbuffered(): void
{
    ini_set('zlib.output_compression', '0');
    while (ob_get_level() > 0) {
        ob_end_clean();
    }
}

function bytes(int $count): string
{
    if ($count < 1024) {
        return "$count bytes";
    }
    $units = ['KiB', 'MiB', 'GiB'];
    $power = min(3, (int) floor(log($count, 1024)));
    return round($count / 1024 ** $power, 1) . ' ' . $units[$power - 1];
}

/** Whether PHP is WebAssembly in a process of Node. Its interface may carry another's name, the system it was built for does not. */
function isEmbedded(): bool
{
    return stripos(php_uname('s'), 'emscripten') !== false;
}

/** How PHP is run here. */
function backend(): string
{
    $names = ['fpm-fcgi' => 'php-fpm', 'cgi-fcgi' => 'php-cgi'];
    return isEmbedded() ? 'embedded PHP' : $names[PHP_SAPI] ?? PHP_SAPI;
}
