<?php
// What PHP has made of the request's form.
header('Content-Type: application/json');
$files = array_map(
    fn($file) => [
        'name' => $file['name'],
        'type' => $file['type'],
        'error' => $file['error'],
        'sha256' => is_uploaded_file($file['tmp_name']) ? hash_file('sha256', $file['tmp_name']) : null,
        'folder' => dirname($file['tmp_name']),
    ],
    $_FILES,
);
echo json_encode(['get' => $_GET, 'post' => $_POST, 'cookie' => $_COOKIE, 'files' => $files]);
