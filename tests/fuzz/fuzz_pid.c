/* `mmlc pid`'s input: any bytes are a table that can be decomposed, or one error. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "driver/pid_input.h"

#define SMALL 200      /* cells: larger tables would only be slow */

static void decompose(const PidDistribution *distribution, MmlArena *arena) {
    const MmlTable *table = &distribution->table;
    MmlPid pid;
    MmlPidNull null;
    if ((i64)table->bins[0] * table->bins[1] * table->labels > SMALL) return;
    Status status = mml_pid_solve(table, NULL, arena, &pid);
    if (status == MML_OK && distribution->counted) status = mml_pid_null(table, &pid, 2, 1, NULL, arena, &null);
    if (status != MML_OK && status != MML_ENUMERIC) abort();      /* what was read was checked */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char path[64];
    int file = memfd_create("input", 0);
    if (file < 0 || write(file, data, size) != (ssize_t)size) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    MmlArena *arena = mml_arena_new();
    PidInput input;
    for (int bins = 0; bins <= 3; bins += 3)
        if (pid_input_read(path, bins, arena, &input) == MML_OK)
            for (int i = 0; i < input.count; i++) decompose(&input.items[i], arena);
    mml_arena_free(arena);
    close(file);
    return 0;
}
