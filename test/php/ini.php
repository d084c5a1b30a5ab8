<?php
// The value of the setting ?name=NAME, and of which worker.
header('Content-Type: application/json');
echo json_encode(['pid' => getmypid(), 'value' => ini_get($_GET['name'])]);
