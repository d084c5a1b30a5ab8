// A FastCGI responder that is never the bottleneck: one thread, epoll, no parsing beyond record headers. It swallows params and stdin
// and answers every request with the same body.
//
//   responder SOCKET BODY_BYTES

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { STDIN = 5, STDOUT = 6, BEGIN = 1, END = 3, HEADER = 8, MAX_CONTENT = 65528, READ = 256 * 1024 };

struct connection {
  int fd;
  int keep;
  unsigned skip; // content and padding that are still to be passed over
  unsigned header_length;
  unsigned char header[HEADER + 8];
  size_t sent, to_send; // of the answer in progress
};

static unsigned char *answer;
static size_t answer_length;
static int poller;

static void put_header(unsigned char *at, int type, unsigned length) {
  unsigned padding = -length & 7;
  unsigned char header[HEADER] = {1, type, 0, 1, length >> 8, length & 255, padding, 0};
  memcpy(at, header, HEADER);
}

static void make_answer(size_t body) {
  static const char head[] = "Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n";
  size_t total = sizeof head - 1 + body;
  answer = calloc(1, total + (total / MAX_CONTENT + 3) * (HEADER + 8));
  unsigned char *plain = malloc(total);
  memcpy(plain, head, sizeof head - 1);
  memset(plain + sizeof head - 1, 'x', body);
  for (size_t from = 0; from < total; from += MAX_CONTENT) {
    unsigned length = total - from < MAX_CONTENT ? total - from : MAX_CONTENT;
    put_header(answer + answer_length, STDOUT, length);
    memcpy(answer + answer_length + HEADER, plain + from, length);
    answer_length += HEADER + length + (-length & 7);
  }
  put_header(answer + answer_length, STDOUT, 0);
  put_header(answer + answer_length + HEADER, END, 8);
  answer_length += 3 * HEADER;
  free(plain);
}

static void forget(struct connection *connection) {
  close(connection->fd);
  free(connection);
}

// 0 when everything is out, 1 when the socket is full, -1 when it is gone.
static int send_answer(struct connection *connection) {
  while (connection->to_send > 0) {
    ssize_t sent = send(connection->fd, answer + connection->sent, connection->to_send, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN ? 1 : -1;
    connection->sent += sent;
    connection->to_send -= sent;
  }
  return connection->keep ? 0 : -1;
}

static void watch(struct connection *connection, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = connection};
  epoll_ctl(poller, operation, connection->fd, &event);
}

// The id of a request is that of its records; the answer, which all share, is stamped with it just before it is sent.
static void stamp(unsigned char high, unsigned char low) {
  for (size_t at = 0; at < answer_length;) {
    answer[at + 2] = high;
    answer[at + 3] = low;
    at += HEADER + (answer[at + 4] << 8) + answer[at + 5] + answer[at + 6];
  }
}

static int on_header(struct connection *connection) {
  unsigned char *header = connection->header;
  unsigned length = header[4] << 8 | header[5];
  connection->skip = length + header[6];
  if (header[1] == BEGIN) connection->keep = -1; // its flags are the third byte of the body
  if (header[1] != STDIN || length > 0) return 0;
  stamp(header[2], header[3]);
  connection->sent = 0;
  connection->to_send = answer_length;
  return 1;
}

static int consume(struct connection *connection, unsigned char *bytes, size_t count) {
  for (size_t at = 0; at < count;) {
    if (connection->skip > 0) {
      if (connection->keep < 0 && connection->skip <= 6) connection->keep = bytes[at] & 1;
      size_t step = connection->keep < 0 ? 1 : connection->skip;
      if (step > count - at) step = count - at;
      connection->skip -= step;
      at += step;
      continue;
    }
    connection->header[connection->header_length++] = bytes[at++];
    if (connection->header_length < HEADER) continue;
    connection->header_length = 0;
    if (!on_header(connection)) continue;
    int state = send_answer(connection);
    if (state < 0) return -1;
    if (state > 0) watch(connection, EPOLL_CTL_MOD, EPOLLOUT);
  }
  return 0;
}

static void serve(struct connection *connection, uint32_t events) {
  static unsigned char buffer[READ];
  if (events & EPOLLOUT) {
    int state = send_answer(connection);
    if (state < 0) forget(connection);
    else if (state == 0) watch(connection, EPOLL_CTL_MOD, EPOLLIN);
    return;
  }
  ssize_t count = recv(connection->fd, buffer, READ, 0);
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0 || consume(connection, buffer, count) < 0) forget(connection);
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: responder SOCKET BODY_BYTES\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  make_answer(strtoul(argv[2], NULL, 10));
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", argv[1]);
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 1024) < 0) {
    perror(argv[1]);
    return 1;
  }
  poller = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
  puts("ready");
  fflush(stdout);
  for (;;) {
    struct epoll_event events[256];
    int count = epoll_wait(poller, events, 256, -1);
    for (int index = 0; index < count; index++) {
      struct connection *connection = events[index].data.ptr;
      if (connection) {
        serve(connection, events[index].events);
        continue;
      }
      int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
      if (fd < 0) continue;
      connection = calloc(1, sizeof *connection);
      connection->fd = fd;
      watch(connection, EPOLL_CTL_ADD, EPOLLIN);
    }
  }
}
