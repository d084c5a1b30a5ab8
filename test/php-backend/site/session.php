<?php
// Counts its visits in a session.
session_start();
$_SESSION['visits'] = ($_SESSION['visits'] ?? 0) + 1;
header('Content-Type: text/plain');
echo $_SESSION['visits'];
