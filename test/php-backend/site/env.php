<?php
// One variable of the environment.
header('Content-Type: text/plain');
echo json_encode(getenv($_GET['name']));
