/* The JSON form of pid_input.h. */
#include "driver/pid_input.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Where a value stands, for messages: "P" or "cases[3].counts". */
typedef struct {
    const PidFile *file;
    const char    *place;
    int            size[3];        /* of the first sub-array of each depth; -1: not seen yet */
    double        *weight;         /* next to write; NULL while measuring                    */
} Reader;

static const char *const KIND[] = {
    [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_STRING] = "text", [JSON_INTEGER] = "a number",
    [JSON_REAL] = "a number", [JSON_TRUE] = "true", [JSON_FALSE] = "false", [JSON_NULL] = "null",
};

/* One weight, or an array of the level below; index: the path down to here. */
static Status read_level(Reader *reader, const json_t *value, int depth, const char *index) {
    if (depth == 3) {
        if (!json_is_number(value))
            return mml_fail(MML_EDATA, "%s: %s%s is %s; weights must be numbers", reader->file->path, reader->place, index,
                            KIND[json_typeof(value)]);
        if (reader->weight) *reader->weight++ = json_number_value(value);
        return MML_OK;
    }
    if (!json_is_array(value))
        return mml_fail(MML_EDATA, "%s: %s%s is %s; a distribution is three arrays deep, [x1][x2][y]", reader->file->path,
                        reader->place, index, KIND[json_typeof(value)]);
    size_t size = json_array_size(value);
    if (size == 0 || size > 1 << 28)
        return mml_fail(MML_EDATA, "%s: %s%s has %zu values", reader->file->path, reader->place, index, size);
    if (reader->size[depth] < 0) reader->size[depth] = (int)size;
    if (reader->size[depth] != (int)size)
        return mml_fail(MML_EDATA, "%s: %s%s has %zu values where the first of its level has %d", reader->file->path,
                        reader->place, index, size, reader->size[depth]);
    for (size_t i = 0; i < size; i++) {
        char below[64];
        snprintf(below, sizeof below, "%s[%zu]", index, i);
        MML_TRY(read_level(reader, json_array_get(value, i), depth + 1, below));
    }
    return MML_OK;
}

static Status read_distribution(const PidFile *file, const json_t *object, const char *where, const char *name,
                                MmlArena *arena, PidDistribution *out) {
    if (!json_is_object(object))
        return mml_fail(MML_EDATA, "%s: %s is %s; a distribution is {\"P\": [[[…]]]} or {\"counts\": [[[…]]]}", file->path,
                        *where ? where : "the file", KIND[json_typeof(object)]);
    const json_t *p = json_object_get(object, "P"), *counts = json_object_get(object, "counts");
    const json_t *given = json_object_get(object, "name");
    if (!p == !counts)
        return mml_fail(MML_EDATA, "%s: %s has %s; it needs one of \"P\" and \"counts\"", file->path,
                        *where ? where : "the object", p ? "both \"P\" and \"counts\"" : "neither \"P\" nor \"counts\"");
    if (given && !json_is_string(given))
        return mml_fail(MML_EDATA, "%s: %s%sname is %s, not text", file->path, where, *where ? "." : "", KIND[json_typeof(given)]);
    const char *place = mml_arena_format(arena, "%s%s%s", where, *where ? "." : "", p ? "P" : "counts");
    out->name = mml_arena_format(arena, "%s", given ? json_string_value(given) : name);
    if (!place || !out->name) return MML_ENOMEM;

    Reader reader = {file, place, {-1, -1, -1}, NULL};
    MML_TRY(read_level(&reader, p ? p : counts, 0, ""));
    MML_TRY(pid_input_check_size(file, place, (const i64[]){reader.size[0], reader.size[1], reader.size[2]}));
    out->table = (MmlTable){.sources = 2, .bins = {reader.size[0], reader.size[1]}, .labels = reader.size[2]};
    double *weights = MML_NEW(arena, double, (i64)reader.size[0] * reader.size[1] * reader.size[2]);
    if (!weights) return MML_ENOMEM;
    reader.weight = weights;
    MML_TRY(read_level(&reader, p ? p : counts, 0, ""));
    out->table.p = weights;
    out->counted = counts != NULL;
    return pid_input_check(file, place, out);
}

static Status read_list(const PidFile *file, const json_t *list, const char *key, MmlArena *arena, PidInput *out) {
    size_t count = json_array_size(list);
    if (count == 0 || count > 1 << 24)
        return mml_fail(MML_EDATA, "%s: %s%sthe list has %zu distributions", file->path, key, *key ? ": " : "", count);
    out->items = MML_NEW(arena, PidDistribution, count);
    if (!out->items) return MML_ENOMEM;
    for (; out->count < (int)count; out->count++) {
        const char *where = mml_arena_format(arena, "%s[%d]", key, out->count);
        const char *name = mml_arena_format(arena, "%s[%d]", file->name, out->count);
        if (!where || !name) return MML_ENOMEM;
        MML_TRY(read_distribution(file, json_array_get(list, (size_t)out->count), where, name, arena, &out->items[out->count]));
    }
    return MML_OK;
}

static Status read_root(const PidFile *file, const json_t *root, MmlArena *arena, PidInput *out) {
    const json_t *cases = json_object_get(root, "cases");
    if (json_is_array(root)) return read_list(file, root, "", arena, out);
    if (json_is_array(cases)) return read_list(file, cases, "cases", arena, out);
    out->items = MML_NEW(arena, PidDistribution, 1);
    if (!out->items) return MML_ENOMEM;
    out->count = 1;
    return read_distribution(file, root, "", file->name, arena, &out->items[0]);
}

/* Probabilities written with six digits sum to this. */
#define SUM_TOLERANCE 1e-4

static void warn_of_sums(const PidFile *file, const PidInput *input) {
    double first_sum = 0;
    int wrong = 0, first = 0;
    for (int i = 0; i < input->count; i++) {
        const MmlTable *table = &input->items[i].table;
        double sum = 0;
        for (i64 c = 0; c < (i64)table->bins[0] * table->bins[1] * table->labels; c++) sum += table->p[c];
        if (input->items[i].counted || fabs(sum - 1) <= SUM_TOLERANCE) continue;
        if (wrong++ == 0) {
            first = i;
            first_sum = sum;
        }
    }
    char more[32] = "";
    if (wrong > 1) snprintf(more, sizeof more, " (and %d more)", wrong - 1);
    if (wrong > 0)
        fprintf(stderr, "mmlc pid: warning: %s: P of %s sums to %.6g, not 1%s; it is normalised (numbers of samples are \"counts\")\n",
                file->path, input->items[first].name, first_sum, more);
}

Status pid_input_json(const PidFile *file, MmlArena *arena, PidInput *out) {
    json_error_t error;
    size_t mark = strncmp(file->text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    json_t *root = json_loadb(file->text + mark, file->size - mark, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &error);
    if (!root)
        return mml_fail(MML_EDATA, "%s:%d:%d: not JSON: %s", file->path, error.line, error.column, error.text);
    Status status = read_root(file, root, arena, out);
    json_decref(root);
    if (status == MML_OK) warn_of_sums(file, out);
    return status;
}
