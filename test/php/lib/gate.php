<?php
function wait_at_gate(string $gate): void
{
    file_put_contents("$gate.reached", (string) getmypid());
    $end = hrtime(true) + 30_000_000_000;
    while (!file_exists($gate)) {
        if (hrtime(true) > $end) throw new Exception("nobody opened $gate");
        usleep(1000);
        clearstatcache();
    }
}
