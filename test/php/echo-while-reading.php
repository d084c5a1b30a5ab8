<?php
// The body back, piece by piece while it still arrives: nobody may write all of it before reading.
header('Content-Type: application/octet-stream');
$input = fopen('php://input', 'rb');
while (($piece = fread($input, 8192)) !== false && $piece !== '') {
    echo $piece;
    flush();
}
