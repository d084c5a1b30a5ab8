// A FastCGI responder that is never the bottleneck: one thread, epoll, no parsing beyond record headers. It swallows params and
// stdin and answers every request of a socket with the same body, whose bytes all connections share.
//
//   responder SOCKET=BODY_BYTES...      a small socket and a large one can be one process

#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

enum { BEGIN = 1, END = 3, STDIN = 5, STDOUT = 6, HEADER = 8 };
enum { RECORD = 65528, PARTS = 64, READ = 256 * 1024, EVENTS = 256 };

static const char HEAD[] = "Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n";

// An answer is `full` records of RECORD bytes, one of `rest` bytes with its padding, then the end of stdout and END_REQUEST.
struct answer {
  int listener;
  size_t full, rest, padding, length;
};

struct connection {
  int fd;
  int keep; // -1 until BEGIN_REQUEST has told
  int open; // a request has begun and is not answered: some clients end its stdin twice
  unsigned skip; // content and padding that are still to be passed over
  unsigned header_length;
  unsigned char header[HEADER];
  const struct answer *answer;
  size_t sent; // of the answer in progress
  unsigned char full_header[HEADER], rest_header[HEADER], end[7 + 3 * HEADER];
};

static unsigned char first[RECORD], others[RECORD]; // content: the first record of an answer begins with the CGI head
static int poller;

static void put_header(unsigned char *at, const unsigned char *id, int type, size_t length) {
  unsigned char header[HEADER] = {1, type, id[0], id[1], length >> 8, length & 255, -length & 7, 0};
  memcpy(at, header, HEADER);
}

static struct answer *make_answer(size_t body) {
  struct answer *answer = calloc(1, sizeof *answer);
  size_t total = sizeof HEAD - 1 + body;
  answer->full = (total - 1) / RECORD;
  answer->rest = total - answer->full * RECORD;
  answer->padding = -answer->rest & 7;
  answer->length = answer->full * (HEADER + RECORD) + HEADER + answer->rest + answer->padding + 3 * HEADER;
  return answer;
}

// Records carry the id of their request, so the headers are the connection's own.
static void begin_answer(struct connection *connection, const unsigned char *id) {
  const struct answer *answer = connection->answer;
  unsigned char *end = connection->end + answer->padding;
  put_header(connection->full_header, id, STDOUT, RECORD);
  put_header(connection->rest_header, id, STDOUT, answer->rest);
  put_header(end, id, STDOUT, 0);
  put_header(end + HEADER, id, END, 8);
  connection->sent = 0;
}

// Lists what is still to be sent, as far as it fits.
static int gather(struct connection *connection, struct iovec *parts) {
  const struct answer *answer = connection->answer;
  size_t record = connection->sent / (HEADER + RECORD);
  if (record > answer->full) record = answer->full;
  size_t passed = connection->sent - record * (HEADER + RECORD);
  int count = 0;
  for (; record <= answer->full && count < PARTS - 3; record++) {
    int last = record == answer->full;
    const struct iovec pieces[] = {
      {last ? connection->rest_header : connection->full_header, HEADER},
      {record == 0 ? first : others, last ? answer->rest : RECORD},
      {connection->end, last ? answer->padding + 3 * HEADER : 0},
    };
    for (int piece = 0; piece < 3; piece++) {
      size_t skip = passed < pieces[piece].iov_len ? passed : pieces[piece].iov_len;
      passed -= skip;
      if (pieces[piece].iov_len == skip) continue;
      parts[count++] = (struct iovec){(char *)pieces[piece].iov_base + skip, pieces[piece].iov_len - skip};
    }
  }
  return count;
}

// 0 when everything is out, 1 when the socket is full, -1 when it is gone. A connection that is not kept is closed by half: what its
// client still sends, were it unread, would throw the answer away.
static int send_answer(struct connection *connection) {
  while (connection->sent < connection->answer->length) {
    struct iovec parts[PARTS];
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = gather(connection, parts)};
    ssize_t sent = sendmsg(connection->fd, &message, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN ? 1 : -1;
    connection->sent += sent;
  }
  return connection->keep ? 0 : shutdown(connection->fd, SHUT_WR);
}

static void watch(struct connection *connection, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = connection};
  epoll_ctl(poller, operation, connection->fd, &event);
}

static int on_header(struct connection *connection) {
  const unsigned char *header = connection->header;
  unsigned length = header[4] << 8 | header[5];
  connection->skip = length + header[6];
  if (header[1] == BEGIN) {
    connection->keep = -1; // its flags are the third byte of the body
    connection->open = 1;
  }
  if (header[1] != STDIN || length > 0 || !connection->open) return 0;
  connection->open = 0;
  begin_answer(connection, header + 2);
  return 1;
}

static int consume(struct connection *connection, const unsigned char *bytes, size_t count) {
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

static void forget(struct connection *connection) {
  close(connection->fd);
  free(connection);
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

static void accept_from(const struct answer *answer) {
  int fd = accept4(answer->listener, NULL, NULL, SOCK_NONBLOCK);
  if (fd < 0) return;
  struct connection *connection = calloc(1, sizeof *connection);
  connection->fd = fd;
  connection->answer = answer;
  watch(connection, EPOLL_CTL_ADD, EPOLLIN);
}

// Listeners are told from connections by the lowest bit of what epoll carries.
static int listen_at(char *argument) {
  char *equals = strrchr(argument, '=');
  if (!equals) return -1;
  *equals = 0;
  struct answer *answer = make_answer(strtoull(equals + 1, NULL, 10));
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", argument);
  answer->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (bind(answer->listener, (struct sockaddr *)&address, sizeof address) < 0) return -1;
  if (listen(answer->listener, 4096) < 0) return -1;
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uintptr_t)answer | 1};
  return epoll_ctl(poller, EPOLL_CTL_ADD, answer->listener, &event);
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  memset(first, 'x', sizeof first);
  memset(others, 'x', sizeof others);
  memcpy(first, HEAD, sizeof HEAD - 1);
  poller = epoll_create1(0);
  for (int index = 1; index < argc; index++) {
    if (listen_at(argv[index]) == 0) continue;
    perror(argv[index]);
    return 1;
  }
  puts("ready");
  fflush(stdout);
  for (;;) {
    struct epoll_event events[EVENTS];
    int count = epoll_wait(poller, events, EVENTS, -1);
    for (int index = 0; index < count; index++) {
      uintptr_t at = events[index].data.u64;
      if (at & 1) accept_from((const struct answer *)(at & ~(uintptr_t)1));
      else serve((struct connection *)at, events[index].events);
    }
  }
}
