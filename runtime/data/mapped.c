#define _GNU_SOURCE
#include "data/mapped.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

/* Read by the handler, so no locks: begin is written last and cleared first. */
typedef struct { _Atomic uintptr_t begin, end; } Range;

static Range ranges[MML_MAPPED_MOST];
static atomic_int failed;
static struct sigaction before;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static size_t page_bytes;

static int is_watched(uintptr_t address) {
    for (int i = 0; i < MML_MAPPED_MOST; i++) {
        uintptr_t begin = atomic_load(&ranges[i].begin);
        if (begin && address >= begin && address < atomic_load(&ranges[i].end)) return 1;
    }
    return 0;
}

/* mmap is a system call and nothing more: safe in a handler. */
static void on_bus_error(int number, siginfo_t *info, void *context) {
    uintptr_t address = (uintptr_t)info->si_addr;
    char *page = (char *)info->si_addr - address % page_bytes;
    if (is_watched(address) && mmap(page, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED) {
        atomic_store(&failed, 1);
        return;
    }
    sigaction(SIGBUS, &before, NULL);                /* the access comes again and meets what was there before */
}

static void install(void) {
    struct sigaction action = { .sa_flags = SA_SIGINFO | SA_NODEFER };
    action.sa_sigaction = on_bus_error;
    sigemptyset(&action.sa_mask);
    page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    sigaction(SIGBUS, &action, &before);
}

void mml_mapped_watch(void *bytes, size_t count) {
    pthread_once(&once, install);
    for (int i = 0; i < MML_MAPPED_MOST; i++) {
        uintptr_t none = 0;
        if (!atomic_compare_exchange_strong(&ranges[i].end, &none, (uintptr_t)bytes + count)) continue;
        atomic_store(&ranges[i].begin, (uintptr_t)bytes);
        return;
    }
}

void mml_mapped_forget(void *bytes) {
    for (int i = 0; i < MML_MAPPED_MOST; i++) {
        if (atomic_load(&ranges[i].begin) != (uintptr_t)bytes) continue;
        atomic_store(&ranges[i].begin, 0);
        atomic_store(&ranges[i].end, 0);
        return;
    }
}

int mml_mapped_failed(void) { return atomic_load(&failed); }
