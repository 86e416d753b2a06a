#include "driver/pid_input.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads on until `most` bytes or the end; the buffer grows, so that pipes will do. */
static Status read_on(FILE *stream, const char *path, size_t most, char **text, size_t *size) {
    size_t room = *size + 1;
    while (*size < most) {
        if (*size + 1 >= room) {
            char *larger = realloc(*text, room = 2 * room + PID_FIRST_BYTES);
            if (!larger) return mml_fail(MML_ENOMEM, "out of memory for %s", path);
            *text = larger;
        }
        size_t wanted = room - 1 - *size < most - *size ? room - 1 - *size : most - *size;
        size_t got = fread(*text + *size, 1, wanted, stream);
        *size += got;
        (*text)[*size] = 0;
        if (ferror(stream)) return mml_fail(MML_EIO, "cannot read %s: %s", path, strerror(errno));
        if (got < wanted) return MML_OK;
    }
    return MML_OK;
}

/* "data/and.json" -> "and" */
static const char *base_name(const char *path, MmlArena *arena) {
    if (strcmp(path, "-") == 0) return "-";
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path, *dot = strrchr(base, '.');
    return mml_arena_format(arena, "%.*s", (int)(dot && dot > base ? (size_t)(dot - base) : strlen(base)), base);
}

/* NULL: CSV. */
static Status (*form_of(const PidFile *file))(const PidFile *, MmlArena *, PidInput *) {
    static const char magic[] = "\x93NUMPY";
    if (file->size >= 6 && memcmp(file->text, magic, 6) == 0) return pid_input_npy;
    const char *text = file->text;
    if (strncmp(text, "\xEF\xBB\xBF", 3) == 0) text += 3;
    text += strspn(text, " \t\r\n");
    return *text == '{' || *text == '[' ? pid_input_json : NULL;
}

Status pid_input_check_size(const PidFile *file, const char *place, const i64 sizes[3]) {
    double cells = (double)sizes[0] * (double)sizes[1] * (double)sizes[2];
    if (cells <= (double)PID_INPUT_CELLS) return MML_OK;
    return mml_fail(MML_EDATA, "%s: %s has %lld x %lld x %lld cells, and at most %lld are taken; use fewer bins", file->path, place,
                    (long long)sizes[0], (long long)sizes[1], (long long)sizes[2], (long long)PID_INPUT_CELLS);
}

#define MOST_SAMPLES 9007199254740992.0

Status pid_input_check(const PidFile *file, const char *place, const PidDistribution *distribution) {
    const MmlTable *table = &distribution->table;
    i64 cells = (i64)table->bins[0] * table->bins[1] * table->labels;
    double sum = 0;
    int some = 0;
    for (i64 c = 0; c < cells; c++) {
        double weight = table->p[c];
        i64 y = c % table->labels, tuple = c / table->labels;
        if (!(weight >= 0) || isinf(weight))
            return mml_fail(MML_EDATA, "%s: %s[%lld][%lld][%lld] is %g; weights must be finite and not negative", file->path,
                            place, (long long)(tuple / table->bins[1]), (long long)(tuple % table->bins[1]), (long long)y, weight);
        if (distribution->counted && weight != floor(weight))
            return mml_fail(MML_EDATA, "%s: %s[%lld][%lld][%lld] is %g; counts must be whole numbers", file->path,
                            place, (long long)(tuple / table->bins[1]), (long long)(tuple % table->bins[1]), (long long)y, weight);
        some |= weight > 0;
        sum += weight;
    }
    if (distribution->counted && sum > MOST_SAMPLES)
        return mml_fail(MML_EDATA, "%s: %s holds %.17g samples; at most 2^53 are exact", file->path, place, sum);
    if (!some) return mml_fail(MML_EDATA, "%s: all weights of %s are zero", file->path, place);
    return MML_OK;
}

static Status read_forms(PidFile *file, FILE *stream, int bins, char **text, MmlArena *arena, PidInput *out) {
    MML_TRY(read_on(stream, file->path, PID_FIRST_BYTES, text, &file->size));
    file->text = *text;
    if (file->size == 0) return mml_fail(MML_EDATA, "%s is empty", file->path);
    Status (*form)(const PidFile *, MmlArena *, PidInput *) = form_of(file);
    if (!form) return pid_input_csv(file, stream, bins, arena, out);
    if (bins > 0) return mml_fail(MML_ECALL, "%s is a table already; --bins belongs to CSV", file->path);
    MML_TRY(read_on(stream, file->path, SIZE_MAX, text, &file->size));
    file->text = *text;
    return form(file, arena, out);
}

Status pid_input_read(const char *path, int bins, MmlArena *arena, PidInput *out) {
    int standard = strcmp(path, "-") == 0;
    PidFile file = {.path = standard ? "standard input" : path, .name = base_name(path, arena)};
    *out = (PidInput){0};
    if (!file.name) return MML_ENOMEM;
    FILE *stream = standard ? stdin : fopen(path, "rb");
    if (!stream) return mml_fail(MML_EIO, "cannot open %s: %s", path, strerror(errno));
    char *text = NULL;
    Status status = read_forms(&file, stream, bins, &text, arena, out);
    free(text);
    if (!standard) fclose(stream);
    return status;
}
