<?php
// Promises more than it delivers.
header('Content-Type: text/plain');
header('Content-Length: 100');
echo 'short';
