<?php
// Includes by a path that is relative to the script's folder.
include '../part.txt';
