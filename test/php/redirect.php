<?php
// Sends its client to ?to=URL.
header('Location: ' . $_GET['to'], true, 302);
