<?php require __DIR__ . '/vite.php'; ?>
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>PHP and Vite</title>
    <?= vite('src/main.js') ?>
  </head>
  <body>
    <h1>Hello, <?= htmlspecialchars($_POST['name'] ?? 'whoever you are') ?></h1>
    <form method="post"><label>Name <input name="name"></label> <button>Send</button></form>
    <p>PHP <?= PHP_VERSION ?>, and <span id="clock">no JavaScript yet</span></p>
  </body>
</html>
