<?php
// What PHP made of a form: fields, and files with their contents.
header('Content-Type: application/json');
$files = array_map(fn ($file) => [
    'name' => $file['name'],
    'type' => $file['type'],
    'sha256' => hash_file('sha256', $file['tmp_name']),
], $_FILES);
echo json_encode(['post' => $_POST, 'files' => $files]);
