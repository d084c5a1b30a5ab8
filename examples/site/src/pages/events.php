<?php

declare(strict_types=1);

namespace Site;

const EVENT_COUNTS = [5, 20, 40];
const EVENT_PAUSE = 500;

function eventsPage(): void
{
    // The stream wants a session that is there already.
    startSession();
    page('Events', static function (): void {
        heading('Events', 'PHP writes an event, waits for half a second, and writes the next. Each one is here before PHP goes on.');
        ?>
<form class="panel" method="get" action="<?= e(url('/events/stream')) ?>" data-events data-last="<?= e(url('/events/last')) ?>">
<fieldset>
<legend>How many?</legend>
<div class="choices">
<?php foreach (EVENT_COUNTS as $count): ?>
<label><input type="radio" name="count" value="<?= $count ?>"<?= $count === 20 ? ' checked' : '' ?>> <?= $count ?></label>
<?php endforeach ?>
</div>
</fieldset>
<p class="actions"><button>Listen</button> <button type="button" class="second" data-stop disabled>Stop</button></p>
<p class="result" role="status"></p>
<ol class="events" reversed aria-label="Events"></ol>
</form>
<?php if (isEmbedded()): ?>
<p class="hint">When you stop, the gateway lets PHP go. Embedded PHP cannot notice, and goes on for nobody until all is said.</p>
<?php else: ?>
<p class="hint">When you stop, the gateway lets PHP go, and PHP notices with its next event. Then it says so itself.</p>
<?php endif ?>
<?php
    });
}

/** Where a stream says how it ended, one for each session. */
function eventsFile(): string
{
    return privateFolder() . '/events-' . hash('sha256', (string) session_id()) . '.json';
}

function eventsStream(): void
{
    startSession();
    $file = eventsFile();
    // A session is locked while it is open, and every other page of this visitor would wait for the end of the stream.
    session_write_close();
    $wanted = (int) ($_GET['count'] ?? 20);
    $count = in_array($wanted, EVENT_COUNTS, true) ? $wanted : 20;
    $first = (int) server('HTTP_LAST_EVENT_ID') + 1;
    if ($first > $count) {
        // All was said before the connection broke. By 204, a browser does not come again.
        http_response_code(204);
        return;
    }
    header('Content-Type: text/event-stream');
    header('Cache-Control: no-store');
    header('X-Accel-Buffering: no');
    unbuffered();
    // So that this script, and not PHP on its own, ends it when nobody listens.
    ignore_user_abort(true);
    @unlink($file);
    $sent = sayEvents($first, $count);
    file_put_contents($file, json_encode(['sent' => $sent, 'of' => $count, 'listener' => $sent < $count ? 'gone' : 'there']));
}

/** @return int the number of the last event that somebody got */
function sayEvents(int $first, int $count): int
{
    for ($number = $first; $number <= $count; $number++) {
        $event = ['number' => $number, 'of' => $count, 'time' => gmdate('H:i:s'), 'process' => getmypid()];
        echo "id: $number\ndata: ", json_encode($event), "\n\n";
        flush();
        if (connection_aborted()) {
            return $number - 1;
        }
        if ($number < $count) {
            usleep(EVENT_PAUSE * 1000);
        }
    }
    echo "event: end\ndata: {}\n\n";
    flush();
    return $count;
}

/** How the last stream of this session ended; nothing while it runs. */
function eventsLast(): void
{
    startSession();
    $said = @file_get_contents(eventsFile());
    json($said === false ? null : json_decode($said));
}
