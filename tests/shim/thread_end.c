// Watches how threads end that have used OpenSSL: preloaded into a program, it intercepts
// pthread_key_create, OPENSSL_thread_stop and exit.
//
// The program ends with status 86 if a thread whose name begins with "oss-" ended with data that
// OpenSSL's thread destructor had to free, or was in OPENSSL_thread_stop after the exit handlers.
// It ends with status 87 if OpenSSL's destructor was not found.
//
// A thread in OPENSSL_thread_stop is named "oss-in-openssl" and stays there until 100 ms after the
// call of exit.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static void (*_Atomic destructor)(void *);
static atomic_bool destructor_used;
static atomic_bool exiting;
static atomic_int stopping;

static void watch(void *value) {
    char name[16] = "";
    prctl(PR_GET_NAME, name);
    if (strncmp(name, "oss-", 4) == 0) {
        atomic_store(&destructor_used, true);
    }
    void (*next)(void *) = atomic_load(&destructor);
    next(value);
}

int pthread_key_create(pthread_key_t *key, void (*function)(void *)) {
    int (*next)(pthread_key_t *, void (*)(void *)) = dlsym(RTLD_NEXT, "pthread_key_create");
    Dl_info place;
    // Only the first one: OpenSSL 3.6 has another, which frees no data that it shares.
    if (function != NULL && atomic_load(&destructor) == NULL && dladdr((void *)function, &place) &&
        strstr(place.dli_fname, "libcrypto") != NULL) {
        atomic_store(&destructor, function);
        function = watch;
    }
    return next(key, function);
}

void OPENSSL_thread_stop(void) {
    void (*next)(void) = (void (*)(void))dlsym(RTLD_NEXT, "OPENSSL_thread_stop");
    atomic_fetch_add(&stopping, 1);
    prctl(PR_SET_NAME, "oss-in-openssl");
    while (!atomic_load(&exiting)) {
        usleep(1000);
    }
    usleep(100 * 1000);
    next();
    atomic_fetch_sub(&stopping, 1);
}

void exit(int status) {
    void (*next)(int) = (void (*)(int))dlsym(RTLD_NEXT, "exit");
    atomic_store(&exiting, true);
    next(status);
    abort();
}

// Runs after all exit handlers.
__attribute__((destructor)) static void judge(void) {
    if (atomic_load(&destructor) == NULL) {
        _exit(87);
    }
    if (atomic_load(&destructor_used) || atomic_load(&stopping) > 0) {
        _exit(86);
    }
}
