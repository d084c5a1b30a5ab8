<?php
echo "front controller\n";
