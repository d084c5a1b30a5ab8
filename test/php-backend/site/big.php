<?php
// Takes ?mb=N of memory.
header('Content-Type: text/plain');
$taken = str_repeat('x', (int) $_GET['mb'] * 1024 * 1024);
echo strlen($taken);
