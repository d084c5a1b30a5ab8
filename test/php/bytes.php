<?php
// Every byte there is, 256 times, so that record borders fall everywhere.
header('Content-Type: application/octet-stream');
$all = implode('', array_map('chr', range(0, 255)));
for ($shift = 0; $shift < 256; $shift++) {
    echo substr($all, $shift) . substr($all, 0, $shift);
    if ($shift % 16 === 0) flush();
}
