#include "driver/pid_values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const PID_COLUMN_NAMES[PID_COLUMNS] = {"x1", "x2", "y"};

int pid_is_number(const char *text) {
    char *end;
    if (!*text) return 0;
    strtod(text, &end);
    return *end == 0;
}

void pid_samples_free(PidSamples *samples) {
    for (int c = 0; c < PID_COLUMNS; c++) {
        free(samples->columns[c].values);
        free(samples->columns[c].slots);
    }
    free(samples->keys);
    free(samples->counts);
    *samples = (PidSamples){0};
}

/* ---- Hash tables: open addressing, a power of two of slots, at most half full ---- */

static u32 hash_text(const char *text, size_t length) {
    u64 hash = 0xCBF29CE484222325u;                      /* FNV-1a */
    for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)text[i]) * 0x100000001B3u;
    return (u32)(hash ^ hash >> 32);
}

static Status no_memory(void) { return mml_fail(MML_ENOMEM, "out of memory for the samples"); }

static Status grow_column(PidColumn *column) {
    if (column->count == column->room) {
        i64 room = column->room ? 2 * column->room : 64;
        PidValue *values = realloc(column->values, sizeof *values * (size_t)room);
        if (!values) return no_memory();
        column->values = values;
        column->room = room;
    }
    if (2 * (column->count + 1) <= column->slot_count) return MML_OK;
    i64 slot_count = column->slot_count ? 2 * column->slot_count : 256;
    i32 *slots = malloc(sizeof *slots * (size_t)slot_count);
    if (!slots) return no_memory();
    memset(slots, -1, sizeof *slots * (size_t)slot_count);
    for (i64 v = 0; v < column->count; v++) {
        i64 slot = column->values[v].hash & (slot_count - 1);
        while (slots[slot] >= 0) slot = (slot + 1) & (slot_count - 1);
        slots[slot] = (i32)v;
    }
    free(column->slots);
    column->slots = slots;
    column->slot_count = slot_count;
    return MML_OK;
}

/* The value's index; it is added when new. */
static Status find_value(PidColumn *column, MmlArena *arena, const char *text, size_t length, i64 *index) {
    MML_TRY(grow_column(column));
    u32 hash = hash_text(text, length);
    i64 slot = hash & (column->slot_count - 1);
    for (; column->slots[slot] >= 0; slot = (slot + 1) & (column->slot_count - 1)) {
        PidValue *value = &column->values[column->slots[slot]];
        if (value->hash != hash || strncmp(value->text, text, length) != 0 || value->text[length]) continue;
        *index = column->slots[slot];
        value->count++;
        return MML_OK;
    }
    char *copy = MML_NEW(arena, char, length + 1);
    if (!copy) return MML_ENOMEM;
    memcpy(copy, text, length);
    *index = column->count++;
    column->slots[slot] = (i32)*index;
    column->values[*index] = (PidValue){copy, hash, 1};
    return MML_OK;
}

static i64 triple_slot(const u64 *keys, const i64 *counts, i64 slot_count, u64 key) {
    i64 slot = (i64)(key * 0x9E3779B97F4A7C15u >> 32) & (slot_count - 1);
    while (counts[slot] && keys[slot] != key) slot = (slot + 1) & (slot_count - 1);
    return slot;
}

static Status grow_triples(PidSamples *samples) {
    if (2 * (samples->triples + 1) <= samples->slot_count) return MML_OK;
    i64 slot_count = samples->slot_count ? 2 * samples->slot_count : 1024;
    u64 *keys = malloc(sizeof *keys * (size_t)slot_count);
    i64 *counts = calloc((size_t)slot_count, sizeof *counts);
    if (!keys || !counts) {
        free(keys);
        free(counts);
        return no_memory();
    }
    for (i64 s = 0; s < samples->slot_count; s++) {
        if (!samples->counts[s]) continue;
        i64 slot = triple_slot(keys, counts, slot_count, samples->keys[s]);
        keys[slot] = samples->keys[s];
        counts[slot] = samples->counts[s];
    }
    free(samples->keys);
    free(samples->counts);
    samples->keys = keys;
    samples->counts = counts;
    samples->slot_count = slot_count;
    return MML_OK;
}

/* No column of a table that isn't too large has more values. */
#define KEY_BITS 21
_Static_assert(PID_INPUT_CELLS <= (i64)1 << KEY_BITS, "an index of a value fits in KEY_BITS");

/* Values that will be binned count only by their number, which keys must hold. */
static int too_many_cells(const PidSamples *samples) {
    i64 cells = 1;
    for (int c = 0; c < PID_COLUMNS; c++) {
        if (samples->columns[c].count > PID_INPUT_CELLS) return 1;
        if (samples->most) continue;
        if (samples->columns[c].count > PID_INPUT_CELLS / cells) return 1;
        cells *= samples->columns[c].count;
    }
    return 0;
}

Status pid_samples_add(PidSamples *samples, const char *const text[PID_COLUMNS], const size_t length[PID_COLUMNS]) {
    u64 key = 0;
    int known = 0;
    samples->rows++;
    for (int c = 0; c < PID_COLUMNS; c++) {
        PidColumn *column = &samples->columns[c];
        if (column->count > PID_INPUT_CELLS) continue;
        i64 index, before = column->count;
        MML_TRY(find_value(column, samples->arena, text[c], length[c], &index));
        known += column->count == before;
        key = key << KEY_BITS | (u64)index;
    }
    if (known < PID_COLUMNS && !samples->full) samples->full = too_many_cells(samples);
    if (samples->full) return MML_OK;
    MML_TRY(grow_triples(samples));
    i64 slot = triple_slot(samples->keys, samples->counts, samples->slot_count, key);
    samples->triples += samples->counts[slot] == 0;
    samples->keys[slot] = key;
    samples->counts[slot]++;
    return MML_OK;
}

/* ---- Values to bins ---- */

typedef struct { const char *text; double number; i64 index; } Ranked;

static int by_text(const void *a, const void *b) { return strcmp(((const Ranked *)a)->text, ((const Ranked *)b)->text); }

static int by_number(const void *a, const void *b) {
    double x = ((const Ranked *)a)->number, y = ((const Ranked *)b)->number;
    return x != y ? (x > y) - (x < y) : by_text(a, b);
}

/* Bins of equal count: each begins at the number of a rank j rows / most; equal numbers share one. Returns their number. */
static i64 quantile_bins(const PidColumn *column, const Ranked *ranked, i64 rows, i64 most, i32 *bin) {
    i64 samples = 0, bins = 0, border = 1;             /* of all numbers so far; the next j */
    for (i64 v = 0, end; v < column->count; v = end) {
        for (end = v; end < column->count && ranked[end].number == ranked[v].number; end++)
            samples += column->values[ranked[end].index].count;
        int begins = v == 0;
        for (; border < most && border * rows / most < samples; border++) begins = 1;
        bins += begins;
        for (i64 same = v; same < end; same++) bin[ranked[same].index] = (i32)(bins - 1);
    }
    return bins;
}

/* "low … high" of each bin. */
static Status name_bins(const PidColumn *column, const Ranked *ranked, const i32 *bin, MmlArena *arena, const char **texts) {
    for (i64 v = 0, end; v < column->count; v = end) {
        i32 b = bin[ranked[v].index];
        for (end = v + 1; end < column->count && bin[ranked[end].index] == b; end++) continue;
        texts[b] = end == v + 1 ? ranked[v].text : mml_arena_format(arena, "%s … %s", ranked[v].text, ranked[end - 1].text);
        if (!texts[b]) return MML_ENOMEM;
    }
    return MML_OK;
}

/* The first value that is no number; NULL when all are. numbers: how many are. */
static const char *first_text(const PidColumn *column, i64 *numbers) {
    const char *text = NULL;
    *numbers = 0;
    for (i64 v = 0; v < column->count; v++) {
        int is_number = pid_is_number(column->values[v].text);
        *numbers += is_number;
        if (!is_number && !text) text = column->values[v].text;
    }
    return text;
}

/* A column of numbers for --bins in which a few are something else would silently not be binned. */
static Status check_numbers(const PidSamples *samples, const PidFile *file, int c) {
    i64 numbers;
    const PidColumn *column = &samples->columns[c];
    const char *text = column->count > samples->most ? first_text(column, &numbers) : NULL;
    if (!text || numbers == 0) return MML_OK;
    return mml_fail(MML_EDATA, "%s: %s has numbers and '%.40s', which is none; --bins takes columns of numbers or of names", file->path,
                    PID_COLUMN_NAMES[c], text);
}

/* texts: what stands behind the bins. bin: of each value, by its index. most: 0 for a bin each. */
static Status rank_values(const PidColumn *column, i64 rows, int most, MmlArena *arena, const char **texts, i32 *bin, i64 *bins) {
    Ranked *ranked = MML_NEW(arena, Ranked, column->count);
    if (!ranked) return MML_ENOMEM;
    int numbers = 1;
    for (i64 v = 0; v < column->count; v++) {
        ranked[v] = (Ranked){column->values[v].text, 0, v};
        numbers = numbers && pid_is_number(ranked[v].text);
        if (numbers) ranked[v].number = strtod(ranked[v].text, NULL);
    }
    qsort(ranked, (size_t)column->count, sizeof *ranked, numbers ? by_number : by_text);
    if (most > 0 && numbers && column->count > most) {
        *bins = quantile_bins(column, ranked, rows, most, bin);
        return name_bins(column, ranked, bin, arena, texts);
    }
    *bins = column->count;
    for (i64 v = 0; v < column->count; v++) {
        texts[v] = ranked[v].text;
        bin[ranked[v].index] = (i32)v;
    }
    return MML_OK;
}

static Status too_many(const PidSamples *samples, const PidFile *file) {
    char sizes[PID_COLUMNS][32];
    double cells = 1;
    for (int c = 0; c < PID_COLUMNS; c++) {
        i64 count = samples->columns[c].count;
        snprintf(sizes[c], sizeof sizes[c], "%s%lld", count > PID_INPUT_CELLS ? "more than " : "",
                 (long long)(count > PID_INPUT_CELLS ? PID_INPUT_CELLS : count));
        cells *= (double)count;
    }
    return mml_fail(MML_EDATA, "%s: x1, x2 and y have %s, %s and %s distinct values, a table of %.0f cells (at most %lld); %s",
                    file->path, sizes[0], sizes[1], sizes[2], cells, (long long)PID_INPUT_CELLS,
                    samples->most ? "use fewer --bins, and few labels y" : "bin the values first, with --bins 20 for instance");
}

/* Real numbers as they are make a bin of each sample, and a table that says nothing. */
#define FEW_SAMPLES 100
static void warn_of_unbinned(const PidSamples *samples, const PidFile *file, const i64 size[PID_COLUMNS]) {
    for (int c = 0; c < PID_COLUMNS; c++)
        if (samples->rows >= FEW_SAMPLES && size[c] > samples->rows / 2)
            fprintf(stderr, "mmlc pid: warning: %s: %s has %lld values in %lld rows, each a bin of its own; bin real numbers first%s\n",
                    file->path, PID_COLUMN_NAMES[c], (long long)size[c], (long long)samples->rows, c < 2 ? ", with --bins" : "");
}

Status pid_samples_table(const PidSamples *samples, const PidFile *file, MmlArena *arena, PidDistribution *out) {
    i32 *bin[PID_COLUMNS];
    i64 size[PID_COLUMNS], cells = 1;
    if (samples->full) return too_many(samples, file);
    for (int c = 0; c < PID_COLUMNS; c++) {
        const PidColumn *column = &samples->columns[c];
        if (samples->most && c < 2) MML_TRY(check_numbers(samples, file, c));
        const char **texts = MML_NEW(arena, const char *, column->count);
        bin[c] = MML_NEW(arena, i32, column->count);
        if (!texts || !bin[c]) return MML_ENOMEM;
        MML_TRY(rank_values(column, samples->rows, c < 2 ? samples->most : 0, arena, texts, bin[c], &size[c]));
        out->values[c] = texts;
        if (size[c] > PID_INPUT_CELLS / cells) return too_many(samples, file);
        cells *= size[c];
    }
    warn_of_unbinned(samples, file, size);
    double *count = MML_NEW(arena, double, cells);
    if (!count) return MML_ENOMEM;
    const u64 mask = ((u64)1 << KEY_BITS) - 1;
    for (i64 s = 0; s < samples->slot_count; s++) {
        if (!samples->counts[s]) continue;
        u64 key = samples->keys[s];
        i64 x1 = bin[0][key >> 2 * KEY_BITS], x2 = bin[1][key >> KEY_BITS & mask], y = bin[2][key & mask];
        count[(x1 * size[1] + x2) * size[2] + y] += (double)samples->counts[s];
    }
    out->name = file->name;
    out->counted = 1;
    out->table = (MmlTable){.sources = 2, .bins = {(int)size[0], (int)size[1]}, .labels = (int)size[2], .p = count};
    return MML_OK;
}
