<?php
// Everything that the script was told.
header('Content-Type: application/json');
echo json_encode($_SERVER, JSON_INVALID_UTF8_SUBSTITUTE | JSON_THROW_ON_ERROR);
