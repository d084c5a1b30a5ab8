<?php
// Answers ?bytes=N of noise at once and never looks at its body. PHP reads what was not read when the script is over.
$body = random_bytes(max(1, (int) ($_GET['bytes'] ?? 1)));
header('Content-Type: application/octet-stream');
header('X-SHA256: ' . hash('sha256', $body));
echo $body;
flush();
