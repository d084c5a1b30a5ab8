<?php
// Which worker answers.
header('Content-Type: text/plain');
echo getmypid();
