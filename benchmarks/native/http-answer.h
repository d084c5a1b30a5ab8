// Reads one HTTP/1.1 answer after the other from bytes as they come: status, and the length of the body, be it announced or chunked.
// What it cannot read is a failure; it never guesses.

#ifndef HTTP_ANSWER_H
#define HTTP_ANSWER_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_HEAD = 8192 };

enum phase { IN_HEAD, IN_BODY, IN_CHUNK_SIZE, IN_CHUNK, AFTER_CHUNK, IN_TRAILER };

struct http_answer {
  enum phase phase;
  int status;
  uint64_t length; // of the body, as far as it came
  uint64_t left;   // of the body, or of the chunk
  unsigned line;   // bytes in the line that is being read, without its end
  unsigned head_length;
  char head[MAX_HEAD + 1];
};

static inline void http_answer_begin(struct http_answer *answer) {
  answer->phase = IN_HEAD;
  answer->status = 0;
  answer->length = answer->left = 0;
  answer->head_length = answer->line = 0;
}

static inline const char *http_field(const char *head, const char *name) {
  size_t length = strlen(name);
  for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
    if (strncasecmp(line + 2, name, length) != 0 || line[2 + length] != ':') continue;
    const char *value = line + 3 + length;
    while (*value == ' ') value++;
    return value;
  }
  return NULL;
}

// 1 when the answer ends with its head, 0 when a body follows, -1 when it cannot be read.
static inline int http_head_done(struct http_answer *answer) {
  if (strncmp(answer->head, "HTTP/1.1 ", 9) != 0) return -1;
  answer->status = atoi(answer->head + 9);
  const char *length = http_field(answer->head, "content-length");
  const char *coding = http_field(answer->head, "transfer-encoding");
  if (coding) {
    if (strncasecmp(coding, "chunked", 7) != 0) return -1;
    answer->phase = IN_CHUNK_SIZE;
    return 0;
  }
  if (!length) return answer->status == 204 || answer->status == 304 ? 1 : -1;
  answer->left = strtoull(length, NULL, 10);
  answer->phase = IN_BODY;
  return answer->left == 0;
}

static inline int http_take_head(struct http_answer *answer, const char **at, const char *end) {
  size_t room = MAX_HEAD - answer->head_length;
  size_t take = (size_t)(end - *at) < room ? (size_t)(end - *at) : room;
  unsigned before = answer->head_length;
  memcpy(answer->head + before, *at, take);
  answer->head[before + take] = 0;
  const char *blank = strstr(answer->head + (before > 3 ? before - 3 : 0), "\r\n\r\n");
  if (!blank) {
    answer->head_length += take;
    *at += take;
    return answer->head_length == MAX_HEAD ? -1 : 0;
  }
  *at += blank + 4 - (answer->head + before);
  answer->head[blank + 2 - answer->head] = 0;
  return http_head_done(answer);
}

// One byte of the lines around chunks. 1 at the end of the answer, -1 when it cannot be read.
static inline int http_take_line(struct http_answer *answer, char byte) {
  if (byte == '\r') return 0;
  if (byte != '\n') {
    static const char digits[] = "0123456789abcdef";
    const char *digit = answer->phase == IN_CHUNK_SIZE ? strchr(digits, byte | 32) : digits;
    if (!digit || !byte) return -1;
    if (answer->phase == IN_CHUNK_SIZE) answer->left = answer->left << 4 | (uint64_t)(digit - digits);
    answer->line++;
    return 0;
  }
  unsigned line = answer->line;
  answer->line = 0;
  if (answer->phase == AFTER_CHUNK) answer->phase = IN_CHUNK_SIZE;
  else if (answer->phase == IN_TRAILER) return line == 0;
  else if (line == 0) return -1;
  else answer->phase = answer->left > 0 ? IN_CHUNK : IN_TRAILER;
  return 0;
}

static inline int http_take_body(struct http_answer *answer, const char **at, const char *end) {
  uint64_t take = (uint64_t)(end - *at) < answer->left ? (uint64_t)(end - *at) : answer->left;
  *at += take;
  answer->left -= take;
  answer->length += take;
  if (answer->left > 0) return 0;
  if (answer->phase == IN_BODY) return 1;
  answer->phase = AFTER_CHUNK;
  return 0;
}

// 1 when an answer has ended (and every byte was used), 0 when more is needed, -1 when it cannot be read.
static inline int http_take(struct http_answer *answer, const char *at, size_t count) {
  const char *end = at + count;
  while (at < end) {
    int state;
    if (answer->phase == IN_HEAD) state = http_take_head(answer, &at, end);
    else if (answer->phase == IN_BODY || answer->phase == IN_CHUNK) state = http_take_body(answer, &at, end);
    else state = http_take_line(answer, *at++);
    if (state < 0) return -1;
    if (state > 0) return at == end ? 1 : -1; // nothing was asked for that could follow
  }
  return 0;
}

#endif
