<?php

declare(strict_types=1);

namespace Site;

const TOPICS = ['http' => 'HTTP', 'fastcgi' => 'FastCGI', 'php' => 'PHP', 'typescript' => 'TypeScript'];
const LONGEST_NAME = 60;
const LONGEST_MESSAGE = 500;

/** @return int|false characters; false when the text is not UTF-8 */
function characters(string $text)
{
    return preg_match_all('/./su', $text);
}

/** @return string what is wrong, or nothing */
function wrongText(string $text, string $what, int $longest): string
{
    $length = characters($text);
    if ($length === false) {
        return "$what is not valid UTF-8.";
    }
    if (trim($text) === '') {
        return "$what is missing.";
    }
    return $length > $longest ? "$what has $length characters; $longest are allowed." : '';
}

/** @return array{name: string, message: string, topics: list<string>} */
function sentForm(): array
{
    $topics = $_POST['topics'] ?? [];
    $chosen = is_array($topics) ? array_filter($topics, 'is_string') : [];
    return [
        'name' => post('name'),
        'message' => post('message'),
        'topics' => array_values(array_intersect($chosen, array_keys(TOPICS))),
    ];
}

function formPage(): void
{
    showForm(['name' => '', 'message' => '', 'topics' => []], []);
}

function formPost(): void
{
    if (!isOurForm()) {
        return;
    }
    $form = sentForm();
    $wrong = array_filter([
        'name' => wrongText($form['name'], 'The name', LONGEST_NAME),
        'message' => wrongText($form['message'], 'The message', LONGEST_MESSAGE),
    ]);
    if ($wrong !== []) {
        http_response_code(422);
        showForm($form, $wrong);
        return;
    }
    leave('form', [
        'name' => $form['name'],
        'message' => $form['message'],
        'topics[]' => implode(', ', $form['topics']),
        'Content-Type' => server('CONTENT_TYPE'),
        'Content-Length' => server('CONTENT_LENGTH'),
    ]);
    seeOther('/form');
}

/**
 * @param array{name: string, message: string, topics: list<string>} $form
 * @param array<string, string> $wrong what is wrong, by field
 */
function showForm(array $form, array $wrong): void
{
    $received = collect('form');
    $token = tokenField();
    page('Form', static function () use ($form, $wrong, $received, $token): void {
        heading('A form', 'PHP checks the fields, keeps nothing, and redirects: reload the page afterwards, and nothing is sent twice.');
        if (is_array($received)) {
            echo '<div class="notice good" role="status"><p>PHP has received your message.</p></div>';
            table('What PHP received', $received);
        }
        if ($wrong !== []) {
            echo '<div class="notice bad" role="alert"><p>PHP did not take it: ', e(implode(' ', $wrong)), '</p></div>';
        }
        ?>
<form class="panel" method="post" action="<?= e(url('/form')) ?>" novalidate>
<?= $token ?>
<?php field('name', 'Your name', 'At most ' . LONGEST_NAME . ' characters', $form['name'], $wrong['name'] ?? '') ?>
<?php field('message', 'A message', 'Any characters: <b>"ünïcode" & 😀</b> come back as you wrote them', $form['message'], $wrong['message'] ?? '') ?>
<fieldset>
<legend>What is it about?</legend>
<div class="choices">
<?php foreach (TOPICS as $value => $name): ?>
<label><input type="checkbox" name="topics[]" value="<?= e($value) ?>"<?= in_array($value, $form['topics'], true) ? ' checked' : '' ?>> <?= e($name) ?></label>
<?php endforeach ?>
</div>
</fieldset>
<p class="actions"><button>Send it to PHP</button></p>
</form>
<?php
    });
}

function field(string $name, string $label, string $hint, string $value, string $wrong): void
{
    $attributes = "id=\"$name\" name=\"$name\" required aria-describedby=\"$name-hint\"";
    $attributes .= $wrong === '' ? '' : ' aria-invalid="true"';
    ?>
<div class="field">
<label for="<?= $name ?>"><?= e($label) ?></label>
<?php if ($name === 'message'): ?>
<textarea <?= $attributes ?> rows="4"><?= e($value) ?></textarea>
<?php else: ?>
<input <?= $attributes ?> autocomplete="name" value="<?= e($value) ?>">
<?php endif ?>
<p class="hint<?= $wrong === '' ? '' : ' wrong' ?>" id="<?= $name ?>-hint"><?= e($wrong === '' ? $hint : $wrong) ?></p>
</div>
<?php
}
