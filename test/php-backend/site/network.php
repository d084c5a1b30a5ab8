<?php
// What an application looks for that wants to connect to another machine.
$found = array_filter(['curl_init', 'curl_exec', 'fsockopen', 'stream_socket_client'], 'function_exists');
if (ini_get('allow_url_fopen')) $found[] = 'allow_url_fopen';
echo $found ? implode(' ', $found) : 'none';
