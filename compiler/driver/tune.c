#include "driver/tune.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "codegen/target.h"
#include "driver/explain.h"
#include "driver/say.h"
#include "driver/tune_time.h"
#include "support/build_id.h"
#include "support/cache.h"

#define KIND "kernels"

/* ---- The text ---- */

static const char *build_line(Arena *arena) {
    char text[65];
    Digest build = build_id();
    digest_text(&build, text);
    return arena_printf(arena, "mml kernels 1\nbuild %s\n", text);
}

static void put_number(FILE *out, double seconds) {
    if (seconds < INFINITY) fprintf(out, " %.0f", seconds * 1e9);
    else fputs(" -", out);
}

static void put_row(FILE *out, const KernelTime *row) {
    fputs("conv", out);
    for (int i = 0; i < 12; i++) fprintf(out, " %" PRId64, row->shape[i]);
    for (int k = 0; k < ALGORITHMS; k++) {
        fprintf(out, " %s", algorithm_name((Algorithm)k));
        put_number(out, row->forward[k]);
        put_number(out, row->backward[k]);
    }
    fputc('\n', out);
}

/* The next word of a line, "" at its end. */
static const char *word(Arena *arena, const char **at) {
    while (**at == ' ') ++*at;
    size_t length = strcspn(*at, " \n");
    const char *text = arena_copy(arena, *at, length);
    *at += length;
    return text;
}

static int number(Arena *arena, const char **at, double *out) {
    const char *text = word(arena, at);
    char *end;
    *out = strcmp(text, "-") ? strtod(text, &end) * 1e-9 : INFINITY;
    return !strcmp(text, "-") || (*text && !*end && *out > 0);
}

static int read_row(Arena *arena, const char **at, KernelTime *row) {
    int fine = !strcmp(word(arena, at), "conv");
    for (int i = 0; i < 12; i++) row->shape[i] = strtoll(word(arena, at), NULL, 10);
    for (int k = 0; k < ALGORITHMS && fine; k++)
        fine = !strcmp(word(arena, at), algorithm_name((Algorithm)k)) && number(arena, at, &row->forward[k])
               && number(arena, at, &row->backward[k]);
    return fine && *(*at)++ == '\n';
}

static KernelTimes *read_rows(Arena *arena, const char *at) {
    KernelTimes *times = NEW(arena, KernelTimes);
    while (*at) {
        KernelTime row;
        if (!read_row(arena, &at, &row)) return NULL;
        VECTOR_PUSH(arena, &times->rows, row);
    }
    return times;
}

/* ---- The entry ---- */

/* The model of processor, "" where the system doesn't tell. */
static const char *processor(Arena *arena) {
    char line[512];
    const char *model = "";
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && !*model && fgets(line, sizeof line, file))
        if (!strncmp(line, "model name", 10)) model = arena_copy(arena, line, strcspn(line, "\n"));
    if (file) fclose(file);
    return model;
}

static Digest key_of(Arena *arena, int block) {
    const char *model = processor(arena);
    Sha256 hash;
    sha256_start(&hash);
    sha256_part(&hash, model, strlen(model));
    sha256_part(&hash, &block, sizeof block);
    return sha256_end(&hash);
}

static void unused(const char *why) {
    say_warning("what --tune measured on this machine isn't used: %s; `mmlc --tune FILE.mml` measures again", why);
}

static const KernelTimes *read_times(Arena *arena, const char *folder, int block) {
    const char *bytes, *head = build_line(arena);
    size_t size;
    Digest key = key_of(arena, block);
    CacheResult found = cache_read(arena, folder, KIND, key, &bytes, &size);
    if (found == CACHE_NOTHING) return NULL;
    const char *text = found == CACHE_FOUND ? arena_copy(arena, bytes, size) : "";
    int same = !strncmp(text, head, strlen(head));
    KernelTimes *times = same ? read_rows(arena, text + strlen(head)) : NULL;
    if (times) return times;
    if (found == CACHE_FOUND) cache_remove(arena, folder, KIND, key);
    unused(found == CACHE_DAMAGED || same ? "its file is damaged" : "it is of another build of mmlc");
    return NULL;
}

static int write_times(Arena *arena, const char *folder, int block, const KernelTimes *times) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) return 0;
    fputs(build_line(arena), out);
    for (int i = 0; i < times->rows.count; i++) put_row(out, &times->rows.items[i]);
    int fine = fclose(out) == 0 && cache_write(arena, folder, KIND, key_of(arena, block), text, size);
    free(text);
    return fine;
}

KernelHost tune_host(Arena *arena, const char *cpu, const char *folder) {
    KernelHost host = {.block = target_block(cpu)};
    if (!strcmp(cpu, "native")) host.times = read_times(arena, folder, host.block);
    return host;
}

/* ---- Measuring ---- */

/* The convolutions of a program: of every encoder, of the fusion. */
typedef struct { const Program *program; int network, at; } Walk;

static const Layer *next_layer(Walk *walk) {
    const Program *program = walk->program;
    for (; walk->network <= program->modalities.count; walk->network++, walk->at = 0) {
        int last = walk->network == program->modalities.count;
        const Layer *layer = next_convolution(last ? &program->fusion : &program->modalities.items[walk->network].encoder, &walk->at);
        if (layer) return layer;
    }
    return NULL;
}

static void put_time(Arena *arena, KernelTimes *times, const KernelTime *time) {
    Attribute shape[12];
    for (int i = 0; i < 12; i++) shape[i].i = time->shape[i];
    const KernelTime *known = kernel_time(times, shape);
    if (known) times->rows.items[known - times->rows.items] = *time;
    else VECTOR_PUSH(arena, &times->rows, *time);
}

int tune_program(Arena *arena, const Program *program, const char *folder, KernelHost *host) {
    KernelTimes *times = NEW(arena, KernelTimes), *fresh = NEW(arena, KernelTimes);
    for (int i = 0; host->times && i < host->times->rows.count; i++) put_time(arena, times, &host->times->rows.items[i]);
    int changed = 0;
    Walk walk = {.program = program};
    for (const Layer *layer; (layer = next_layer(&walk));) {
        KernelTime time;
        if (kernel_time(fresh, layer->attr)) continue;
        if (!time_kernels(arena, layer->attr, host->block, &time)) {
            say_error("no memory to measure the kernels of a convolution of %" PRId64 " by %" PRId64 " pixels", layer->attr[1].i,
                      layer->attr[2].i);
            return 0;
        }
        put_time(arena, fresh, &time);
        put_time(arena, times, &time);
        KernelChoice choice = kernel_choice(layer->attr, (KernelHost){host->block, times});
        changed += choice.algorithm != choice.estimated;
    }
    host->times = times;
    if (!write_times(arena, folder, host->block, times)) {
        say_error("can't keep what was measured in %s", folder);
        return 0;
    }
    fprintf(stderr, "mmlc: measured the kernels of %d shapes of convolutions; %d run on another one than the estimates say\n",
            fresh->rows.count, changed);
    return 1;
}

const char *tune_flag(Arena *arena, const Program *program, KernelHost host) {
    char text[65];
    int changed = 0;
    Sha256 hash;
    sha256_start(&hash);
    Walk walk = {.program = program};
    for (const Layer *layer; (layer = next_layer(&walk));) {
        KernelChoice choice = kernel_choice(layer->attr, host);
        sha256_add(&hash, &choice.algorithm, sizeof choice.algorithm);
        changed += choice.algorithm != choice.estimated;
    }
    Digest digest = sha256_end(&hash);
    digest_text(&digest, text);
    return changed ? arena_printf(arena, " --tune=%.8s", text) : "";
}
