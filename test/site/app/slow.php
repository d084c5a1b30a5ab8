<?php
if (isset($_GET["begun"])) {
    echo "begun\n";
    flush();
}
sleep(2);
