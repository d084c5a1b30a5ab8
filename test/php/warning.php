<?php
// A script that goes on after a warning, which is logged and not shown.
ini_set('display_errors', '0');
ini_set('log_errors', '1');
error_reporting(E_ALL);
header('Content-Type: text/plain');
echo $never_defined ?? 'unset', trigger_error('mind the gap', E_USER_WARNING) ? ' warned' : '';
