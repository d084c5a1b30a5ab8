<?php
// A status without a reason phrase, a header twice.
http_response_code((int) ($_GET['status'] ?? 418));
header('Set-Cookie: a=1');
header('Set-Cookie: b=2', false);
header('Content-Type: text/plain');
echo 'short and stout';
