<?php
header("Content-Type: application/json");
echo "null";
