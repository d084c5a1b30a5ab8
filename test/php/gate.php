<?php
// Says ?before=TEXT, waits until the file ?gate=PATH exists, and says ?after=TEXT. That it has come to the gate is told by the
// file PATH.reached, which holds its pid. With ?finish=1 the request is over before the waiting begins, and PATH.done tells its end.
require __DIR__ . '/lib/gate.php';
header('Content-Type: text/plain');
if (isset($_GET['before'])) {
    echo $_GET['before'];
    flush();
}
if (isset($_GET['stderr'])) error_log($_GET['stderr']);
if (isset($_GET['finish'])) fastcgi_finish_request();
wait_at_gate($_GET['gate']);
echo $_GET['after'] ?? '';
if (isset($_GET['finish'])) file_put_contents($_GET['gate'] . '.done', connection_aborted() ? 'aborted' : 'done');
