<?php
// Tells how much of an upload came, always in as many digits.
header('Content-Type: text/plain');
printf('%013d', strlen(file_get_contents('php://input')));
