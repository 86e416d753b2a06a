/* The .npy form of pid_input.h (NumPy's format versions 1 to 3). */
#include "driver/pid_input.h"

#include <stdlib.h>
#include <string.h>

#define RANK 3

typedef struct {
    char   kind;             /* f, i, u, b              */
    int    bytes, swap;      /* swap: big-endian        */
    int    fortran;
    int    size[RANK];
    const char *data;
} Array;

static Status bad_header(const PidFile *file, const char *what) {
    return mml_fail(MML_EDATA, "%s: damaged .npy header: %s", file->path, what);
}

static const char *field(const char *header, const char *key) {
    const char *at = strstr(header, key);
    if (!at) return NULL;
    at += strlen(key);
    at += strspn(at, " '\"");
    return *at == ':' ? at + 1 + strspn(at + 1, " ") : NULL;
}

static Status read_type(const PidFile *file, const char *header, Array *out) {
    static const struct { char kind; const char *bytes; } known[] = {{'f', "48"}, {'i', "1248"}, {'u', "1248"}, {'b', "1"}};
    const char *at = field(header, "'descr'");
    if (!at) return bad_header(file, "no descr");
    if (*at == '\'' && strlen(at) > 3) {
        out->kind = at[2];
        out->bytes = at[3] - '0';
        out->swap = at[1] == '>';
        for (size_t k = 0; k < sizeof known / sizeof *known && at[4] == '\''; k++)
            if (known[k].kind == out->kind && at[3] && strchr(known[k].bytes, at[3])) return MML_OK;
    }
    return mml_fail(MML_EDATA, "%s: arrays of type %.*s are not read; save float64, float32 or integers", file->path,
                    (int)strcspn(at, ",}\r\n"), at);
}

static Status read_shape(const PidFile *file, const char *header, Array *out) {
    const char *at = field(header, "'shape'"), *fortran = field(header, "'fortran_order'");
    if (!at || *at != '(') return bad_header(file, "no shape");
    if (!fortran) return bad_header(file, "no fortran_order");
    out->fortran = *fortran == 'T';
    int rank = 0;
    i64 sizes[RANK] = {0};
    for (at++; *at && *at != ')';) {
        char *end;
        long long size = strtoll(at, &end, 10);
        if (end == at || size < 0) return bad_header(file, "shape");
        if (rank < RANK) {
            sizes[rank] = size;
            if (size == 0) return mml_fail(MML_EDATA, "%s: the array is empty", file->path);
        }
        rank++;
        at = end + strspn(end, " ,L");
    }
    if (rank != RANK)
        return mml_fail(MML_EDATA, "%s: the array has rank %d; a distribution has 3: x1, x2, y", file->path, rank);
    MML_TRY(pid_input_check_size(file, "the array", sizes));
    for (int r = 0; r < RANK; r++) out->size[r] = (int)sizes[r];
    return MML_OK;
}

static Status read_header(const PidFile *file, MmlArena *arena, Array *out) {
    const unsigned char *bytes = (const unsigned char *)file->text;
    if (file->size < 12) return bad_header(file, "cut short");
    if (bytes[6] < 1 || bytes[6] > 3)
        return mml_fail(MML_EDATA, "%s: version %d of .npy isn't known; 1 to 3 are", file->path, bytes[6]);
    size_t begin = bytes[6] == 1 ? 10 : 12;
    size_t length = bytes[8] | (size_t)bytes[9] << 8;
    if (bytes[6] > 1) length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (length > file->size - begin) return bad_header(file, "cut short");
    const char *header = mml_arena_format(arena, "%.*s", (int)length, file->text + begin);
    if (!header) return MML_ENOMEM;
    MML_TRY(read_type(file, header, out));
    MML_TRY(read_shape(file, header, out));
    out->data = file->text + begin + length;
    size_t have = file->size - begin - length;
    size_t want = (size_t)out->size[0] * (size_t)out->size[1] * (size_t)out->size[2] * (size_t)out->bytes;
    if (have != want)
        return mml_fail(MML_EDATA, "%s: %zu bytes of values where the shape needs %zu", file->path, have, want);
    return MML_OK;
}

static double value_at(const Array *array, i64 index) {
    unsigned char raw[8] = {0};
    for (int b = 0; b < array->bytes; b++)
        raw[array->swap ? array->bytes - 1 - b : b] = (unsigned char)array->data[index * array->bytes + b];
    u64 bits;
    float single;
    double real;
    memcpy(&bits, raw, sizeof bits);
    memcpy(&single, raw, sizeof single);
    memcpy(&real, raw, sizeof real);
    if (array->kind == 'f') return array->bytes == 4 ? (double)single : real;
    if (array->kind != 'i') return (double)bits;
    int unused = 64 - 8 * array->bytes;
    return (double)((i64)(bits << unused) >> unused);
}

Status pid_input_npy(const PidFile *file, MmlArena *arena, PidInput *out) {
    Array array = {0};
    MML_TRY(read_header(file, arena, &array));
    int n1 = array.size[0], n2 = array.size[1], ny = array.size[2];
    double *weights = MML_NEW(arena, double, (i64)n1 * n2 * ny);
    out->items = MML_NEW(arena, PidDistribution, 1);
    if (!weights || !out->items) return MML_ENOMEM;
    for (i64 i = 0; i < n1; i++)
        for (i64 j = 0; j < n2; j++)
            for (i64 y = 0; y < ny; y++)
                weights[(i * n2 + j) * ny + y] = value_at(&array, array.fortran ? i + n1 * (j + n2 * y) : (i * n2 + j) * ny + y);
    out->count = 1;
    out->items[0] = (PidDistribution){
        .name = file->name, .counted = array.kind != 'f',
        .table = {.sources = 2, .bins = {n1, n2}, .labels = ny, .p = weights},
    };
    return pid_input_check(file, "P", &out->items[0]);
}
