/* The lowest cost on this machine of fetching a file over plain HTTP: only recv and pwrite.
 *
 *   floor loop|threads CONNECTIONS READ_SIZE PORT URL_PATH OBJECT_SIZE FILE [sync]
 *
 * Fetches OBJECT_SIZE bytes of http://127.0.0.1:PORT/URL_PATH over CONNECTIONS connections, an
 * equal share of the object each, with reads of READ_SIZE bytes. "loop" serves all of them from one
 * poll loop, "threads" gives each its own thread. "sync" flushes the file at the end.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_CONNECTIONS 1024

struct transfer {
    int socket;
    int file;
    off_t offset; /* where the next body byte belongs */
    off_t end;
    size_t read_size;
    char *buffer;
    char header[4096];
    size_t header_len; /* bytes collected so far */
    int in_body;
};

static void die(const char *format, ...) {
    va_list args;
    fprintf(stderr, "floor: ");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n");
    exit(1);
}

static void write_body(struct transfer *t, const char *bytes, size_t len) {
    if ((off_t)len > t->end - t->offset) {
        die("the server sent more than was asked for");
    }
    while (len > 0) {
        ssize_t written = pwrite(t->file, bytes, len, t->offset);
        if (written < 0) {
            die("pwrite: %s", strerror(errno));
        }
        bytes += written;
        len -= (size_t)written;
        t->offset += written;
    }
}

/* Reads the reply's head; bytes after it in the buffer belong to the body. */
static void read_head(struct transfer *t, size_t len) {
    size_t copied = len, body;
    char *blank;
    if (copied > sizeof t->header - 1 - t->header_len) {
        copied = sizeof t->header - 1 - t->header_len;
    }
    memcpy(t->header + t->header_len, t->buffer, copied);
    t->header[t->header_len + copied] = '\0';
    blank = strstr(t->header, "\r\n\r\n");
    if (blank == NULL) {
        t->header_len += copied;
        if (copied < len || t->header_len == sizeof t->header - 1) {
            die("the reply's head is too long");
        }
        return;
    }
    if (strncmp(t->header, "HTTP/1.1 206", 12) != 0) {
        die("the reply is not 206: %.60s", t->header);
    }
    body = (size_t)(blank + 4 - t->header) - t->header_len;
    t->in_body = 1;
    write_body(t, t->buffer + body, len - body);
}

/* One read; returns 0 once the transfer's last byte is written. */
static int step(struct transfer *t) {
    ssize_t len = recv(t->socket, t->buffer, t->read_size, 0);
    if (len < 0 && errno == EINTR) {
        return 1;
    }
    if (len <= 0) {
        die("recv: %s", len == 0 ? "closed early" : strerror(errno));
    }
    if (t->in_body) {
        write_body(t, t->buffer, (size_t)len);
    } else {
        read_head(t, (size_t)len);
    }
    return t->offset < t->end;
}

static void *run_thread(void *argument) {
    struct transfer *t = argument;
    while (step(t)) {
    }
    return NULL;
}

static void run_threads(struct transfer *transfers, int connections) {
    static pthread_t threads[MAX_CONNECTIONS];
    int i;
    for (i = 0; i < connections; i++) {
        if (pthread_create(&threads[i], NULL, run_thread, &transfers[i]) != 0) {
            die("pthread_create failed");
        }
    }
    for (i = 0; i < connections; i++) {
        pthread_join(threads[i], NULL);
    }
}

static void run_loop(struct transfer *transfers, int connections) {
    static struct pollfd polled[MAX_CONNECTIONS];
    int i, open = connections;
    for (i = 0; i < connections; i++) {
        polled[i].fd = transfers[i].socket;
        polled[i].events = POLLIN;
    }
    while (open > 0) {
        if (poll(polled, (nfds_t)connections, -1) < 0) {
            if (errno == EINTR) {
                continue;
            }
            die("poll: %s", strerror(errno));
        }
        for (i = 0; i < connections; i++) {
            if (polled[i].fd >= 0 && polled[i].revents != 0 && !step(&transfers[i])) {
                polled[i].fd = -1;
                open--;
            }
        }
    }
}

static void start(struct transfer *t, int port, const char *path) {
    struct sockaddr_in address;
    char request[1024];
    int len;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((unsigned short)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    t->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(t->socket, (struct sockaddr *)&address, sizeof address) != 0) {
        die("connect: %s", strerror(errno));
    }
    len = snprintf(request, sizeof request,
                   "GET /%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nRange: bytes=%lld-%lld\r\n\r\n", path,
                   port, (long long)t->offset, (long long)t->end - 1);
    if (len >= (int)sizeof request || send(t->socket, request, (size_t)len, 0) != len) {
        die("the request could not be sent");
    }
}

int main(int argc, char **argv) {
    static struct transfer transfers[MAX_CONNECTIONS];
    off_t size;
    size_t read_size;
    int i, file, connections;

    if (argc < 8) {
        fprintf(stderr,
                "usage: floor loop|threads CONNECTIONS READ_SIZE PORT PATH SIZE FILE [sync]\n");
        return 2;
    }
    connections = atoi(argv[2]);
    read_size = strtoul(argv[3], NULL, 10);
    size = strtoll(argv[6], NULL, 10);
    if (connections < 1 || connections > MAX_CONNECTIONS || size < connections) {
        die("1 to %d connections, and a byte for each, are possible", MAX_CONNECTIONS);
    }
    file = open(argv[7], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0) {
        die("%s: %s", argv[7], strerror(errno));
    }
    for (i = 0; i < connections; i++) {
        transfers[i].file = file;
        transfers[i].offset = size / connections * i;
        transfers[i].end = i + 1 < connections ? size / connections * (i + 1) : size;
        transfers[i].read_size = read_size;
        transfers[i].buffer = malloc(read_size);
        if (transfers[i].buffer == NULL) {
            die("out of memory");
        }
        start(&transfers[i], atoi(argv[4]), argv[5]);
    }
    if (strcmp(argv[1], "threads") == 0) {
        run_threads(transfers, connections);
    } else {
        run_loop(transfers, connections);
    }
    if (argc > 8 && fdatasync(file) != 0) {
        die("fdatasync: %s", strerror(errno));
    }
    return close(file) != 0;
}
