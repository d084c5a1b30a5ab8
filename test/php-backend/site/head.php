<?php
// A status, and headers that are easily lost: two of one name, quotes, a value of latin1.
http_response_code(418);
setcookie('first', '1');
setcookie('second', '2');
header('ETag: W/"a\\b"');
header("X-Latin1: gr\xfc\xdfe");
header('Content-Type: text/plain');
echo 'short and stout';
