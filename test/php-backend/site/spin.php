<?php
// Never lets go of the processor, having told ?mark=PATH that it runs.
set_time_limit(0);
file_put_contents($_GET['mark'], getmypid());
while (true);
