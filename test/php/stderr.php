<?php
// stdout and stderr in turns; the log of PHP goes to FastCGI's stderr.
header('Content-Type: text/plain');
echo 'one ';
flush();
error_log('first complaint: ünïcode');
echo 'two ';
flush();
error_log("second complaint\nof two lines");
echo 'three';
