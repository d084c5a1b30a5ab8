<?php
// Dies after it has said something.
ini_set('display_errors', '0');
ini_set('log_errors', '1');
header('Content-Type: text/plain');
echo 'so far so good';
flush();
throw new RuntimeException('out of luck');
