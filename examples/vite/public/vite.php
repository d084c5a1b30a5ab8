<?php
/** The tags of an entry: from Vite's dev server, or from what `vite build` has made. */
function vite(string $entry, string $build = 'build'): string
{
    if (isset($_SERVER['VITE_DEV'])) {
        return '<script type="module" src="' . $_SERVER['VITE_BASE'] . $entry . '"></script>';
    }
    static $manifest = null;
    $manifest ??= json_decode(file_get_contents(__DIR__ . "/$build/.vite/manifest.json"), true);
    $tags = '<script type="module" src="/' . $build . '/' . $manifest[$entry]['file'] . '"></script>';
    // The styles of an entry, and those of all that it imports.
    $open = [$entry];
    $seen = [];
    while ($name = array_pop($open)) {
        if (isset($seen[$name])) continue;
        $seen[$name] = true;
        foreach ($manifest[$name]['css'] ?? [] as $css) {
            $tags .= '<link rel="stylesheet" href="/' . $build . '/' . $css . '">';
        }
        array_push($open, ...($manifest[$name]['imports'] ?? []));
    }
    return $tags;
}
