<?php
// Ends the request before its body was read: END_REQUEST comes while the client still uploads.
$body = random_bytes(max(1, (int) ($_GET['bytes'] ?? 1)));
header('Content-Type: application/octet-stream');
header('X-SHA256: ' . hash('sha256', $body));
echo $body;
fastcgi_finish_request();
