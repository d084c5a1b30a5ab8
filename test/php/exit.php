<?php
// exit() with a number is the end of the script, and nothing that php-fpm passes on.
header('Content-Type: text/plain');
echo 'leaving';
exit((int) ($_GET['status'] ?? 3));
