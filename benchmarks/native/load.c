// Asks an HTTP/1.1 server over kept connections, and tells how it did as one line of JSON. One thread, epoll.
//
//   load PORT REQUEST_FILE LENGTH [connections=16] [seconds=1] [rate=0] [body=0] [read-rate=0] [hold=0]
//
// REQUEST_FILE holds the head of the request, `body` says how many bytes follow it. Each answer has to be a 200 with LENGTH bytes.
//   rate       requests a second at fixed moments (an open loop): a request that has to wait for a free connection has begun when it
//              was due, so that a server that stands still is seen to. 0: each connection asks again at once (a closed loop)
//   read-rate  bytes a second that each connection takes
//   hold       asks once on each connection, says "ready", and keeps them open until its stdin ends

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "http-answer.h"
#include "latencies.h"

enum { EVENTS = 256, BUFFER = 256 * 1024, SMALL_WINDOW = 64 * 1024, TICK = 20 /* ms */, PATIENCE = 20 /* s */ };

struct connection {
  int fd;
  uint64_t due;       // when its request was, or should have been, sent
  size_t unsent;      // of head and body
  double allowance;   // bytes it may take, with a read rate
  struct connection *next; // of those that are free
  struct http_answer answer;
};

static struct {
  double connections, seconds, rate, body, read_rate, hold;
} options = {16, 1, 0, 0, 0, 0};

static char *head;
static size_t head_length;
static uint64_t expected_length;
static char buffer[BUFFER], zeros[BUFFER];
static struct connection *all, *free_ones;
static struct latencies latencies;
static int poller;
static uint64_t deadline, scheduled, started, answered, bytes, first_due, last_answer;

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void fail(const char *what, const struct connection *connection) {
  fprintf(stderr, "%s: status %d, %llu bytes of body, after %llu answers\n", what, connection->answer.status,
          (unsigned long long)connection->answer.length, (unsigned long long)answered);
  exit(1);
}

static void watch(struct connection *connection, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = connection};
  epoll_ctl(poller, operation, connection->fd, &event);
}

// 1 when everything is out.
static int send_rest(struct connection *connection) {
  size_t total = head_length + (size_t)options.body;
  while (connection->unsent > 0) {
    size_t at = total - connection->unsent;
    const char *from = at < head_length ? head + at : zeros;
    size_t length = at < head_length ? head_length - at : connection->unsent < BUFFER ? connection->unsent : BUFFER;
    int more = connection->unsent > length ? MSG_MORE : 0;
    ssize_t sent = send(connection->fd, from, length, MSG_NOSIGNAL | MSG_DONTWAIT | more);
    if (sent < 0 && errno == EAGAIN) return 0;
    if (sent < 0) fail(strerror(errno), connection);
    connection->unsent -= (size_t)sent;
  }
  return 1;
}

static void ask(struct connection *connection, uint64_t due) {
  connection->due = due;
  connection->unsent = head_length + (size_t)options.body;
  http_answer_begin(&connection->answer);
  started++;
  if (!send_rest(connection)) watch(connection, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
}

static uint64_t due_of(uint64_t number) {
  return first_due + (uint64_t)((double)number * 1e9 / options.rate);
}

static void ask_again(struct connection *connection, uint64_t time) {
  if (options.hold > 0) return;
  if (options.rate > 0 && started < scheduled) ask(connection, due_of(started));
  else if (options.rate > 0) {
    connection->next = free_ones;
    free_ones = connection;
  } else if (time < deadline) ask(connection, time);
}

static void on_answer(struct connection *connection) {
  uint64_t time = now();
  if (connection->answer.status != 200) fail("not a 200", connection);
  if (connection->answer.length != expected_length) fail("a body of another length", connection);
  latencies_add(&latencies, time - connection->due);
  answered++;
  last_answer = time;
  ask_again(connection, time);
}

// What was received; 0 when there is nothing at the moment.
static ssize_t receive(struct connection *connection, size_t most) {
  ssize_t count = recv(connection->fd, buffer, most < BUFFER ? most : BUFFER, MSG_DONTWAIT);
  if (count < 0 && errno == EAGAIN) return 0;
  if (count <= 0) fail(count < 0 ? strerror(errno) : "closed by the server", connection);
  bytes += (uint64_t)count;
  int state = http_take(&connection->answer, buffer, (size_t)count);
  if (state < 0) fail("not HTTP/1.1", connection);
  if (state > 0) on_answer(connection);
  return count;
}

static void serve(struct connection *connection, uint32_t events) {
  if (events & EPOLLOUT && send_rest(connection)) watch(connection, EPOLL_CTL_MOD, EPOLLIN);
  if (events & ~(uint32_t)EPOLLOUT) receive(connection, BUFFER);
}

// With a rate, what has become due; with a read rate, each connection takes its share.
static void on_timer(int timer) {
  uint64_t ticks, time = now();
  if (read(timer, &ticks, sizeof ticks) < 0) return;
  if (options.read_rate > 0) {
    double share = options.read_rate * TICK / 1000 * (double)ticks;
    for (int index = 0; index < (int)options.connections; index++) {
      struct connection *connection = &all[index];
      connection->allowance += share;
      while (connection->allowance >= 1) {
        ssize_t count = receive(connection, (size_t)connection->allowance);
        if (count == 0) connection->allowance = share; // what it could not take is lost, not saved for a burst
        if (count == 0) break;
        connection->allowance -= (double)count;
      }
    }
    return;
  }
  while (due_of(scheduled) <= time && due_of(scheduled) < deadline) {
    uint64_t due = due_of(scheduled++);
    if (!free_ones) continue;
    struct connection *connection = free_ones;
    free_ones = connection->next;
    ask(connection, due);
  }
}

static int start_timer(uint64_t period) {
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  struct timespec interval = {(time_t)(period / 1000000000), (long)(period % 1000000000)};
  struct itimerspec every = {interval, interval};
  timerfd_settime(timer, 0, &every, NULL);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(poller, EPOLL_CTL_ADD, timer, &event);
  return timer;
}

static void open_connection(struct connection *connection, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int small = SMALL_WINDOW, yes = 1;
  connection->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (options.read_rate > 0) setsockopt(connection->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (connect(connection->fd, (struct sockaddr *)&address, sizeof address) < 0) fail(strerror(errno), connection);
  watch(connection, EPOLL_CTL_ADD, options.read_rate > 0 ? 0 : EPOLLIN);
}

// Lets the connections begin. With a rate all are free; otherwise each asks.
static int begin(void) {
  first_due = now();
  deadline = first_due + (uint64_t)(options.seconds * 1e9);
  for (int index = 0; index < (int)options.connections; index++) {
    if (options.rate > 0) ask_again(&all[index], first_due);
    else ask(&all[index], first_due);
  }
  if (options.read_rate > 0) return start_timer(TICK * 1000000);
  return options.rate > 0 ? start_timer((uint64_t)(1e9 / options.rate)) : -1;
}

static int is_over(uint64_t time) {
  if (options.hold > 0) return answered == (uint64_t)options.connections;
  if (time < deadline) return 0;
  if (options.read_rate > 0) return 1;
  if (time > deadline + PATIENCE * 1000000000ull) fail("no answer for a long time", &all[0]);
  return answered == started && (options.rate == 0 || due_of(scheduled) >= deadline);
}

static void run(void) {
  int timer = begin();
  while (!is_over(now())) {
    struct epoll_event events[EVENTS];
    int count = epoll_wait(poller, events, EVENTS, 100);
    for (int index = 0; index < count; index++) {
      struct connection *connection = events[index].data.ptr;
      if (connection) serve(connection, events[index].events);
      else on_timer(timer);
    }
  }
}

static void report(void) {
  double seconds = (double)((options.read_rate > 0 ? now() : last_answer) - first_due) / 1e9;
  latencies_sort(&latencies);
  printf("{\"requests\":%llu,\"seconds\":%.6f,\"bytes\":%llu,\"p50\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f}\n",
         (unsigned long long)answered, seconds, (unsigned long long)bytes, latencies_at(&latencies, 0.5),
         latencies_at(&latencies, 0.99), latencies_at(&latencies, 0.999), latencies_at(&latencies, 1));
}

static void read_head(const char *path) {
  FILE *file = fopen(path, "r");
  head = malloc(1 << 20);
  if (file) head_length = fread(head, 1, 1 << 20, file);
  if (head_length == 0) {
    perror(path);
    exit(2);
  }
  fclose(file);
}

static void read_option(const char *argument) {
  static const struct {
    const char *name;
    double *value;
  } known[] = {
    {"connections=", &options.connections}, {"seconds=", &options.seconds},     {"rate=", &options.rate},
    {"body=", &options.body},               {"read-rate=", &options.read_rate}, {"hold=", &options.hold},
  };
  for (size_t index = 0; index < sizeof known / sizeof *known; index++) {
    size_t length = strlen(known[index].name);
    if (strncmp(argument, known[index].name, length) != 0) continue;
    *known[index].value = atof(argument + length);
    return;
  }
  fprintf(stderr, "load: no option is called %s\n", argument);
  exit(2);
}

int main(int argc, char **argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: load PORT REQUEST_FILE LENGTH [option=value...]\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  read_head(argv[2]);
  expected_length = strtoull(argv[3], NULL, 10);
  for (int index = 4; index < argc; index++) read_option(argv[index]);
  poller = epoll_create1(0);
  all = calloc((size_t)options.connections, sizeof *all);
  for (int index = 0; index < (int)options.connections; index++) open_connection(&all[index], atoi(argv[1]));
  run();
  if (options.hold > 0) {
    puts("ready");
    fflush(stdout);
    while (read(0, buffer, sizeof buffer) > 0) {
    }
    return 0;
  }
  report();
}
