<?php
// A page that costs PHP about 5 ms. The work is fixed, not the time: whoever wastes cores has fewer pages.
header('Content-Type: text/plain');
$state = 'seed';
for ($round = 0; $round < 25000; $round++) {
    $state = md5($state . $round);
}
echo str_repeat('x', 10_240);
