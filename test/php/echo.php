<?php
// The body back, after all of it was read.
header('Content-Type: application/octet-stream');
echo file_get_contents('php://input');
