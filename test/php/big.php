<?php
// ?bytes=N of noise; its checksum goes ahead as a header.
$body = random_bytes(max(1, (int) $_GET['bytes']));
header('Content-Type: application/octet-stream');
header('X-SHA256: ' . hash('sha256', $body));
echo $body;
