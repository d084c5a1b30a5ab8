<?php

declare(strict_types=1);

namespace Site;

const UPLOAD_ERRORS = [
    UPLOAD_ERR_INI_SIZE => 'The file is larger than upload_max_filesize.',
    UPLOAD_ERR_FORM_SIZE => 'The file is larger than the form allows.',
    UPLOAD_ERR_PARTIAL => 'Only a part of the file came.',
    UPLOAD_ERR_NO_FILE => 'No file was chosen.',
    UPLOAD_ERR_NO_TMP_DIR => 'PHP has no folder for temporary files.',
    UPLOAD_ERR_CANT_WRITE => 'PHP cannot write temporary files.',
    UPLOAD_ERR_EXTENSION => 'A PHP extension refused the file.',
];

function uploadPage(): void
{
    $result = collect('upload');
    $token = tokenField();
    page('Upload', static function () use ($result, $token): void {
        heading('An upload', 'PHP says the name, the size and the SHA-256 of what arrived. Your browser compares. Nothing is kept.');
        ?>
<form class="panel" method="post" action="<?= e(url('/upload')) ?>" enctype="multipart/form-data" data-upload>
<?= $token ?>
<h2>A file, by a form</h2>
<div class="field">
<label for="file">File</label>
<input id="file" type="file" name="file" required aria-describedby="file-hint">
<p class="hint" id="file-hint"><code>multipart/form-data</code>, up to <?= e((string) ini_get('upload_max_filesize')) ?> here</p>
</div>
<div class="progress" hidden>
<label for="progress">Progress</label>
<progress id="progress" max="1" value="0"></progress>
</div>
<p class="actions"><button>Upload</button></p>
<div class="result" role="status"><?php uploadResult($result) ?></div>
</form>
<div class="panel" data-raw="<?= e(url('/upload/raw')) ?>">
<h2>Bytes, as they are</h2>
<p>A <code>PUT</code> with random bytes for its body. PHP reads them from <code>php://input</code>.</p>
<p class="actions">
<button type="button" data-size="65536">64 KiB</button>
<button type="button" data-size="1048576">1 MiB</button>
<button type="button" data-size="16777216">16 MiB</button>
</p>
<div class="result" role="status"><noscript>Your browser makes these bytes, and needs JavaScript for it.</noscript></div>
</div>
<?php
    });
}

/** @param mixed $result what uploadPost() has left */
function uploadResult($result): void
{
    if (!is_array($result)) {
        return;
    }
    if (isset($result['error'])) {
        echo '<p class="verdict bad">', e($result['error']), '</p>';
        return;
    }
    table('What PHP received', [
        'Name' => $result['name'],
        'Type' => $result['type'],
        'Size' => bytes($result['size']),
        'SHA-256' => $result['sha256'],
    ]);
}

function uploadPost(): void
{
    // Beyond post_max_size there are no fields at all, and no token among them.
    $tooLarge = $_POST === [] && $_FILES === [] && (int) server('CONTENT_LENGTH') > 0;
    if (!$tooLarge && !isOurForm()) {
        return;
    }
    $result = $tooLarge
        ? ['error' => 'The request is larger than post_max_size, ' . ini_get('post_max_size') . ' here.']
        : uploadedFile($_FILES['file'] ?? []);
    if (wantsJson()) {
        json($result, isset($result['error']) ? 422 : 200);
        return;
    }
    leave('upload', $result);
    seeOther('/upload');
}

/**
 * @param array<string, mixed> $file
 * @return array<string, mixed>
 */
function uploadedFile(array $file): array
{
    $error = $file['error'] ?? UPLOAD_ERR_NO_FILE;
    if ($error !== UPLOAD_ERR_OK) {
        return ['error' => is_int($error) ? UPLOAD_ERRORS[$error] ?? "PHP says error $error." : 'One file only.'];
    }
    $result = [
        'name' => $file['name'],
        'type' => $file['type'],
        'size' => $file['size'],
        'sha256' => hash_file('sha256', $file['tmp_name']),
    ];
    unlink($file['tmp_name']);
    return $result;
}

function uploadRaw(): void
{
    $hash = hash_init('sha256');
    $input = fopen('php://input', 'rb');
    $size = 0;
    while (!feof($input)) {
        $chunk = (string) fread($input, 65536);
        hash_update($hash, $chunk);
        $size += strlen($chunk);
    }
    json(['size' => $size, 'sha256' => hash_final($hash), 'contentLength' => server('CONTENT_LENGTH')]);
}
