<?php
// The fields and the one file of a form, as PHP has read them.
$file = $_FILES['file'];
header('Content-Type: application/json');
echo json_encode([
    'post' => $_POST,
    'file' => [
        'name' => $file['name'],
        'type' => $file['type'],
        'size' => $file['size'],
        'sha256' => hash_file('sha256', $file['tmp_name']),
    ],
]);
