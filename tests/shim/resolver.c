// A name service that can be unavailable: preloaded into a program, it intercepts libc's
// getaddrinfo.
//
// The name RESOLVER_HOST is 127.0.0.1; while the file RESOLVER_OUTAGE exists its lookups fail with
// EAI_AGAIN. Each lookup of it appends a byte to the file RESOLVER_LOG: '+' succeeded, '-' failed.
// With RESOLVER_HANGS set, a lookup takes this many seconds longer. A lookup of IPv6 addresses
// alone is not recorded: some libcurls ask for both kinds in one lookup, others in two. Other names
// are passed to libc. A shared libcurl caches addresses for a minute; here the cache is switched
// off.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

// From <curl/curl.h>, whose declarations these two would not match.
enum { CURLOPT_DNS_CACHE_TIMEOUT = 92 };

static void note(const struct addrinfo *hints, char answer) {
    if (hints != NULL && hints->ai_family == AF_INET6) {
        return;
    }
    int log = open(getenv("RESOLVER_LOG"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (log < 0 || write(log, &answer, 1) != 1) {
        abort();
    }
    close(log);
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result) {
    int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
        dlsym(RTLD_NEXT, "getaddrinfo");
    if (node != NULL && strcasecmp(node, getenv("RESOLVER_HOST")) == 0) {
        if (access(getenv("RESOLVER_OUTAGE"), F_OK) == 0) {
            note(hints, '-');
            return EAI_AGAIN;
        }
        note(hints, '+');
        const char *hangs = getenv("RESOLVER_HANGS");
        sleep(hangs != NULL ? (unsigned)strtoul(hangs, NULL, 10) : 0);
        node = "127.0.0.1";
    }
    return next(node, service, hints, result);
}

void *curl_easy_init(void) {
    void *(*next)(void) = dlsym(RTLD_NEXT, "curl_easy_init");
    int (*set_option)(void *, int, ...) = dlsym(RTLD_NEXT, "curl_easy_setopt");
    void *handle = next();
    if (handle != NULL) {
        set_option(handle, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    }
    return handle;
}
