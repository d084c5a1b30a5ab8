<?php
// Logs what would clear a terminal.
header('Content-Type: text/plain');
error_log("before\x1b[2Jafter");
echo 'said';
