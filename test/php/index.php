<?php
// What there is to try: every script beside this one, with the first line of its comment.
function about(string $file): string
{
    preg_match('~^// (.+?)(?:[.:;](?:\s|$)|$)~m', (string) file_get_contents($file), $match);
    return $match[1] ?? '';
}
$links = [
    'hello.php' => 'hello.php',
    'env.php/some/path' => 'env.php/some/path?a=b',
    'stderr.php' => 'stderr.php',
    'dribble.php' => 'dribble.php?lines=20',
    'big.php' => 'big.php?bytes=1000000',
    'headers.php' => 'headers.php?count=5',
    'status.php' => 'status.php?status=404',
    'fatal.php' => 'fatal.php',
    'warning.php' => 'warning.php',
];
?>
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>PHP behind @fastcgi/client</title>
<style>
  :root { color-scheme: light dark; font: 1rem/1.6 system-ui, sans-serif }
  body { max-width: 42rem; margin: 4rem auto; padding: 0 1.5rem }
  h1 { font-size: 1.6rem; margin-bottom: .2rem }
  .lead, small { opacity: .7 }
  ul { list-style: none; padding: 0; border-top: 1px solid color-mix(in srgb, currentColor 20%, transparent) }
  li { padding: .6rem 0; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent) }
  a { font-family: ui-monospace, monospace; color: light-dark(#0b57d0, #8ab4f8) }
  small { display: block }
</style>
<h1>This page was made by PHP <?= PHP_VERSION ?></h1>
<p class="lead">
  <?= htmlspecialchars(PHP_SAPI) ?>, worker <?= getmypid() ?>, asked by Node through <code>@fastcgi/client</code>.
  Reload it, and mostly the same worker answers over the same connection.
</p>
<ul>
<?php foreach ($links as $name => $link): ?>
  <li>
    <a href="/<?= htmlspecialchars($link) ?>"><?= htmlspecialchars($link) ?></a>
    <small><?= htmlspecialchars(about(__DIR__ . '/' . explode('/', $name)[0])) ?></small>
  </li>
<?php endforeach ?>
</ul>
</html>
