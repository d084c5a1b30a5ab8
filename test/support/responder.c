// A FastCGI application made with libfcgi: what a C or C++ program, a Perl or Ruby binding, or fcgiwrap looks like from outside.
//
//   responder PROCESSES unix PATH
//   responder PROCESSES tcp
//
// Prints "ready", and for tcp the port, when it listens. SCRIPT_NAME says what to do, QUERY_STRING is a number or a path for it.

#include <arpa/inet.h>
#include <fcgiapp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *param(FCGX_Request *request, const char *name) {
  const char *value = FCGX_GetParam(name, request->envp);
  return value ? value : "";
}

static void header(FCGX_Request *request, const char *type) {
  FCGX_FPrintF(request->out, "Content-Type: %s\r\n\r\n", type);
}

static void copy(FCGX_Request *request, int upper) {
  char buffer[8192];
  int count;
  while ((count = FCGX_GetStr(buffer, sizeof buffer, request->in)) > 0) {
    for (int at = 0; upper && at < count; at++)
      if (buffer[at] >= 'a' && buffer[at] <= 'z') buffer[at] -= 32;
    FCGX_PutStr(buffer, count, request->out);
  }
}

static void authorize(FCGX_Request *request) {
  if (strcmp(param(request, "HTTP_AUTHORIZATION"), "open sesame") == 0)
    FCGX_FPrintF(request->out, "Status: 200 OK\r\nVariable-AUTH_USER: ali baba\r\nVariable-AUTH_GROUP: thieves\r\n\r\n");
  else
    FCGX_FPrintF(request->out, "Status: 403 Forbidden\r\nContent-Type: text/plain\r\n\r\nno entry");
}

// The body says what is to be done with the file that follows it.
static void filter(FCGX_Request *request) {
  char what[64];
  int count = FCGX_GetStr(what, sizeof what - 1, request->in);
  what[count] = 0;
  FCGX_StartFilterData(request->in);
  FCGX_FPrintF(request->out, "Content-Type: text/plain\r\nX-Length: %s\r\n\r\n", param(request, "FCGI_DATA_LENGTH"));
  copy(request, strcmp(what, "upper") == 0);
}

static void respond(FCGX_Request *request) {
  const char *name = param(request, "SCRIPT_NAME"), *query = param(request, "QUERY_STRING");
  if (strcmp(name, "/hello") == 0) {
    header(request, "text/plain");
    FCGX_FPrintF(request->out, "hello");
  } else if (strcmp(name, "/pid") == 0) {
    header(request, "text/plain");
    FCGX_FPrintF(request->out, "%d", (int)getpid());
  } else if (strcmp(name, "/echo") == 0) {
    header(request, "application/octet-stream");
    copy(request, 0);
  } else if (strcmp(name, "/big") == 0) {
    // Answers without a look at the body; ends before it has arrived.
    header(request, "application/octet-stream");
    for (long at = 0, end = atol(query); at < end; at++) FCGX_PutChar((int)(at * 31 + (at >> 8)) & 255, request->out);
  } else if (strcmp(name, "/last-words") == 0) {
    // Says everything, END_REQUEST included, and is gone with the body unread.
    header(request, "application/octet-stream");
    for (long at = 0, end = atol(query); at < end; at++) FCGX_PutChar((int)(at * 31 + (at >> 8)) & 255, request->out);
    FCGX_FClose(request->err);
    FCGX_FClose(request->out);
    _exit(0);
  } else if (strcmp(name, "/stderr") == 0) {
    header(request, "text/plain");
    FCGX_FPrintF(request->err, "a complaint\n");
    FCGX_FFlush(request->err);
    FCGX_FPrintF(request->out, "an answer");
    FCGX_FFlush(request->out);
    FCGX_FPrintF(request->err, "another complaint\n");
  } else if (strcmp(name, "/exit") == 0) {
    header(request, "text/plain");
    FCGX_FPrintF(request->out, "leaving");
    FCGX_SetExitStatus(atoi(query), request->out);
  } else if (strcmp(name, "/silent") == 0) {
    FCGX_SetExitStatus(0, request->out);
  } else if (strcmp(name, "/crash") == 0) {
    header(request, "text/plain");
    FCGX_FPrintF(request->out, "some of it");
    FCGX_FFlush(request->out);
    raise(SIGKILL);
  }
}

static int listen_unix(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 511) < 0) exit(1);
  printf("ready\n");
  return fd;
}

static int listen_tcp(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, 511) < 0) exit(1);
  getsockname(fd, (struct sockaddr *)&address, &length);
  printf("ready %d\n", ntohs(address.sin_port));
  return fd;
}

static void serve(int listener) {
  FCGX_Request request;
  FCGX_Init();
  FCGX_InitRequest(&request, listener, 0);
  while (FCGX_Accept_r(&request) == 0) {
    const char *role = param(&request, "FCGI_ROLE");
    if (strcmp(role, "AUTHORIZER") == 0) authorize(&request);
    else if (strcmp(role, "FILTER") == 0) filter(&request);
    else respond(&request);
    FCGX_Finish_r(&request);
  }
}

static void end(int signal) {
  (void)signal;
  kill(0, SIGKILL);
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  // A process group of our own, so that the end of this process is the end of all.
  setpgid(0, 0);
  int listener = strcmp(argv[2], "unix") == 0 ? listen_unix(argv[3]) : listen_tcp();
  fflush(stdout);
  signal(SIGTERM, end);
  for (int running = 0, processes = atoi(argv[1]);;) {
    for (; running < processes; running++) {
      if (fork() > 0) continue;
      signal(SIGTERM, SIG_DFL);
      signal(SIGPIPE, SIG_IGN);
      serve(listener);
      return 0;
    }
    if (wait(NULL) > 0) running--;
  }
}
