<?php
// ?to=URL&status=N redirects; without ?to it tells how it was asked.
if (isset($_GET['to'])) {
    header('Location: ' . $_GET['to'], true, (int) ($_GET['status'] ?? 302));
    exit('on the way');
}
header('Content-Type: application/json');
echo json_encode(['method' => $_SERVER['REQUEST_METHOD'], 'body' => file_get_contents('php://input')]);
