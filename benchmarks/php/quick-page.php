<?php
// As long as page.php and sent in the same pieces, but without its work: to warm servers up by many of them.
header('Content-Type: text/plain');
echo str_repeat('x', 10_240);
