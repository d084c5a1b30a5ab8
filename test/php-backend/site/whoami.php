<?php
// Who runs this, and whether sessions work for them.
header('Content-Type: text/plain');
session_start();
$_SESSION['written'] = true;
echo posix_geteuid(), ' ', posix_getegid(), session_write_close() ? ' session' : ' no session';
