<?php
// Calls what does not exist.
undefined_function();
