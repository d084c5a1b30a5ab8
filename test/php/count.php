<?php
// Leaves a mark in the file ?file=PATH: how often was this run?
file_put_contents($_GET['file'], $_GET['mark'] . "\n", FILE_APPEND | LOCK_EX);
header('Content-Type: text/plain');
echo $_GET['mark'];
