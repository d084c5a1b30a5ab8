<?php
header("Content-Type: text/event-stream");
for ($n = 0; $n < 50; $n++) {
    echo "data: tick $n\n\n";
    flush();
    usleep(20_000);
}
