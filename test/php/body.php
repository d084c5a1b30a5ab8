<?php
// What the script got as its body: how much, and which bytes.
$body = file_get_contents('php://input');
header('Content-Type: application/json');
echo json_encode(['length' => strlen($body), 'sha256' => hash('sha256', $body)]);
