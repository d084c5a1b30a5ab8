<?php

declare(strict_types=1);

namespace Site;

// By name, because what else is in $_SERVER may be the environment of the machine.
const SHOWN = [
    'The request' => ['REQUEST_METHOD', 'REQUEST_URI', 'QUERY_STRING', 'REQUEST_SCHEME', 'HTTPS', 'SERVER_PROTOCOL', 'CONTENT_TYPE', 'CONTENT_LENGTH'],
    'The script' => ['DOCUMENT_ROOT', 'DOCUMENT_URI', 'SCRIPT_FILENAME', 'SCRIPT_NAME', 'PATH_INFO', 'PATH_TRANSLATED', 'PHP_SELF', 'REDIRECT_STATUS'],
    'Who talks to whom' => ['REMOTE_ADDR', 'REMOTE_PORT', 'SERVER_ADDR', 'SERVER_PORT', 'SERVER_NAME', 'SERVER_SOFTWARE', 'GATEWAY_INTERFACE', 'FCGI_ROLE'],
];
const SECRET = '/COOKIE|AUTH|TOKEN|SECRET|PASSWORD|KEY|SESSION/';

function infoPage(): void
{
    page('Request', static function (): void {
        heading('What PHP sees', 'The params of this request, as they came over FastCGI. Cookies and credentials are left out.');
        ?>
<ul class="findings">
<?php foreach (findings() as $finding): ?>
<li><?= $finding ?></li>
<?php endforeach ?>
</ul>
<?php
        foreach (SHOWN as $caption => $names) {
            sort($names);
            table($caption, shown($names));
        }
        table('Header fields', shown(headerNames()));
    }, 'wide');
}

/** @return list<string> */
function headerNames(): array
{
    $names = array_filter(array_map('strval', array_keys($_SERVER)), static function (string $name): bool {
        return strpos($name, 'HTTP_') === 0;
    });
    sort($names);
    return $names;
}

/**
 * @param list<string> $names
 * @return array<string, string> those that there are
 */
function shown(array $names): array
{
    $rows = [];
    foreach ($names as $name) {
        if (isset($_SERVER[$name])) {
            $rows[$name] = preg_match(SECRET, $name) === 1 ? 'not shown' : server($name);
        }
    }
    return $rows;
}

/** @return list<string> HTML: what follows from the params */
function findings(): array
{
    $script = server('SCRIPT_NAME');
    $pathInfo = server('PATH_INFO');
    $example = url('/index.php/some/path?a=1&b[]=2');
    return [
        isScriptNamed()
            ? 'Your address names the script, <code>' . e($script) . '</code>. <a href="' . e(url('/info')) . '">Without it</a>, the front controller answers.'
            : 'There is no file <code>' . e(path()) . '</code>, so the front controller <code>' . e($script) . '</code> answers.',
        $pathInfo === ''
            ? 'There is no <code>PATH_INFO</code>. Here there is: <a href="' . e($example) . '"><code>' . e($example) . '</code></a>.'
            : 'What follows the script is <code>PATH_INFO</code>: <code>' . e($pathInfo) . '</code>.',
        'PHP takes you for <code>' . e(server('REMOTE_ADDR')) . '</code>, and the connection for ' . (isHttps() ? 'an encrypted one' : 'one without encryption') . '.',
    ];
}
