<?php
// ?count=N header lines of 1 KB, and a body to see where they end.
header('Content-Type: text/plain');
for ($index = 0; $index < (int) $_GET['count']; $index++) {
    header(sprintf('X-Long-%03d: %s', $index, str_repeat(chr(97 + $index % 26), 1000)));
}
echo 'body';
