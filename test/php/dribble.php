<?php
// ?lines=N lines, each flushed on its own, as fast as they are taken.
header('Content-Type: text/plain');
for ($line = 1; $line <= (int) $_GET['lines']; $line++) {
    echo "line $line\n";
    flush();
}
