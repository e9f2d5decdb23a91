/* Runs one command and reports its cost.
 *
 *   measure REPORT COMMAND [ARGUMENT...]
 *
 * Writes "wall user system peak" to the file REPORT: three times in seconds, and the peak resident
 * memory in KiB. Exits as the command did. It exists because a child's peak memory starts at that
 * of the process it was forked from, so that process has to be small.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval t) { return (double)t.tv_sec + (double)t.tv_usec / 1e6; }

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int report(const char *path, double wall, const struct rusage *usage) {
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        perror(path);
        return 1;
    }
    fprintf(file, "%.6f %.6f %.6f %ld\n", wall, seconds(usage->ru_utime), seconds(usage->ru_stime),
            usage->ru_maxrss);
    return fclose(file) != 0;
}

int main(int argc, char **argv) {
    struct rusage usage;
    double start;
    int status;
    pid_t child;

    if (argc < 3) {
        fprintf(stderr, "usage: measure REPORT COMMAND [ARGUMENT...]\n");
        return 2;
    }
    start = now();
    child = fork();
    if (child == 0) {
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) != child) {
        perror("measure");
        return 1;
    }
    if (report(argv[1], now() - start, &usage) != 0) {
        return 1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
