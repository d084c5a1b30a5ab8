<?php
// The front controller: every request that is no file comes here.

declare(strict_types=1);

namespace Site;

// What goes wrong goes to PHP's stderr, and from there to the gateway's log; never into a page.
ini_set('display_errors', '0');
ini_set('log_errors', '1');
ini_set('html_errors', '0');
error_reporting(E_ALL);

require __DIR__ . '/../src/http.php';
require __DIR__ . '/../src/session.php';
require __DIR__ . '/../src/layout.php';
foreach (['home', 'form', 'upload', 'session', 'events', 'download', 'fail', 'info'] as $page) {
    require __DIR__ . "/../src/pages/$page.php";
}

route([
    '/' => ['GET' => 'Site\home'],
    '/form' => ['GET' => 'Site\formPage', 'POST' => 'Site\formPost'],
    '/upload' => ['GET' => 'Site\uploadPage', 'POST' => 'Site\uploadPost'],
    '/upload/raw' => ['PUT' => 'Site\uploadRaw'],
    '/session' => ['GET' => 'Site\sessionPage', 'POST' => 'Site\sessionPost'],
    '/events' => ['GET' => 'Site\eventsPage'],
    '/events/stream' => ['GET' => 'Site\eventsStream'],
    '/events/last' => ['GET' => 'Site\eventsLast'],
    '/download' => ['GET' => 'Site\downloadPage', 'POST' => 'Site\downloadPost'],
    '/download/postcard.svg' => ['GET' => 'Site\downloadFile'],
    '/fail' => ['GET' => 'Site\failPage'],
    '/fail/exception' => ['GET' => 'Site\failException'],
    '/fail/truncated' => ['GET' => 'Site\failTruncated'],
    '/fail/slow' => ['GET' => 'Site\failSlow'],
    '/info' => ['GET' => 'Site\infoPage'],
]);
