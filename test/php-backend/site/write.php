<?php
// Makes ?file=PATH.
header('Content-Type: text/plain');
echo file_put_contents($_GET['file'], 'content') ? 'written' : 'not written';
