#define _GNU_SOURCE
#include "train/replay_log.h"

#include "train/json_read.h"

#include "train/files.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *mml_decision_text(MmlArena *arena, const char *const *actions, i64 action_count, const char *finish,
                              const char *const *said, i64 said_count) {
    const char *text = "";
    for (i64 i = 0; i < action_count; i++) text = mml_arena_format(arena, "%s%s%s", text, *text ? "; " : "", actions[i]);
    for (i64 i = 0; i < said_count; i++) text = mml_arena_format(arena, "%s%ssay: %s", text, *text ? "; " : "", said[i]);
    if (finish) text = mml_arena_format(arena, "%s%sfinish: %s", text, *text ? "; " : "", finish);
    return *text ? text : "–";
}

/* A replay goes through every epoch up to the last: a number beyond any run would keep it busy for ever. */
#define MOST_EPOCHS 1000000

static Status epoch_of(const json_t *line, i64 *out) {
    const json_t *epoch = json_object_get(line, "epoch");
    *out = json_integer_value(epoch);
    if (!json_is_integer(epoch)) return mml_fail(MML_EDATA, "\"epoch\" is missing");
    if (*out >= 0 && *out <= MOST_EPOCHS) return MML_OK;
    return mml_fail(MML_EDATA, "\"epoch\" is %lld, not one of 0 to %d", (long long)*out, MOST_EPOCHS);
}

/* ---- One line of probes.jsonl ---- */

static const char *text_of(MmlArena *arena, const json_t *value) {
    return json_is_string(value) ? mml_arena_format(arena, "%s", json_string_value(value)) : NULL;
}

static double *each(const MmlReplayLog *log, const json_t *object, const char *key, MmlArena *arena) {
    double *values = MML_NEW(arena, double, log->modality_count + 1);
    const json_t *numbers = json_object_get(object, key);
    for (i64 m = 0; values && m < log->modality_count; m++) values[m] = mml_json_number(numbers, log->modalities[m], NULL);
    return values;
}

static const char *const *texts(MmlArena *arena, const json_t *array, i64 *count) {
    *count = (i64)json_array_size(array);
    const char **list = MML_NEW(arena, const char *, *count + 1);
    for (i64 i = 0; list && i < *count; i++) {
        list[i] = text_of(arena, json_array_get(array, (size_t)i));
        if (!list[i]) list[i] = "";
    }
    return list;
}

static Status read_modalities(const json_t *line, MmlArena *arena, MmlReplayLog *log) {
    json_t *mutual = json_object_get(line, "mutual");
    i64 count = (i64)json_object_size(mutual);
    if (count < 1 || count > MML_MAX_MODALITIES) return mml_fail(MML_EDATA, "\"mutual\" has no value for each modality");
    const char **names = MML_NEW(arena, const char *, count);
    if (!names) return MML_ENOMEM;
    const char *key;
    json_t *value;
    json_object_foreach(mutual, key, value) names[log->modality_count++] = mml_arena_format(arena, "%s", key);
    log->modalities = names;
    return MML_OK;
}

static Status read_probe(const json_t *line, MmlArena *arena, MmlReplayLog *log, MmlLoggedProbe *out) {
    if (!json_is_object(line)) return mml_fail(MML_EDATA, "it is not a JSON object");
    if (!log->modality_count) MML_TRY(read_modalities(line, arena, log));
    const json_t *decision = json_object_get(line, "decision"), *active = json_object_get(line, "active");
    out->stage = text_of(arena, json_object_get(line, "stage"));
    out->measure = text_of(arena, json_object_get(line, "measure"));
    if (!out->stage) return mml_fail(MML_EDATA, "\"stage\" is missing");
    i64 epoch;
    MML_TRY(epoch_of(line, &epoch));
    if (!out->measure) out->measure = "probe";
    out->probe = (MmlProbe){
        .epoch = epoch, .redundancy = mml_json_number(line, "redundancy", NULL),
        .synergy = mml_json_number(line, "synergy", NULL), .synergy_plugin = mml_json_number(line, "synergy_plugin", NULL),
        .synergy_error = mml_json_number(line, "synergy_error", NULL), .total = mml_json_number(line, "total", NULL),
        .entropy = mml_json_number(line, "entropy", NULL), .gap = mml_json_number(line, "gap", NULL), .unique = each(log, line, "unique", arena), .mutual = each(log, line, "mutual", arena),
    };
    for (i64 m = 0; m < log->modality_count; m++)
        for (size_t i = 0; i < json_array_size(active); i++) {
            const char *name = json_string_value(json_array_get(active, i));
            if (name && !strcmp(name, log->modalities[m])) out->active[m] = 1;
        }
    if (!json_is_object(decision)) return MML_OK;
    i64 action_count, said_count;
    const char *const *actions = texts(arena, json_object_get(decision, "actions"), &action_count);
    const char *const *said = texts(arena, json_object_get(decision, "say"), &said_count);
    if (!actions || !said) return MML_ENOMEM;
    out->finish = text_of(arena, json_object_get(decision, "finish"));
    out->decision = mml_decision_text(arena, actions, action_count, out->finish, said, said_count);
    return MML_OK;
}

/* ---- Files ---- */

typedef Status (*TakeLine)(const json_t *line, MmlArena *arena, MmlReplayLog *log);

static Status take_probe(const json_t *line, MmlArena *arena, MmlReplayLog *log) {
    return read_probe(line, arena, log, &log->probes[log->probe_count++]);
}

static MmlLoggedEpoch *epoch_at(MmlReplayLog *log, const char *stage, i64 index, MmlArena *arena) {
    for (i64 i = log->epoch_count - 1; i >= 0; i--)
        if (log->epochs[i].epoch.index == index && !strcmp(log->epochs[i].stage, stage)) return &log->epochs[i];
    MmlLoggedEpoch *entry = &log->epochs[log->epoch_count++];
    double *blank = MML_NEW(arena, double, log->modality_count + 1);
    for (i64 m = 0; blank && m < log->modality_count; m++) blank[m] = NAN;
    *entry = (MmlLoggedEpoch){.stage = stage, .epoch = {.index = index, .loss = NAN, .losses = blank, .accuracy = blank, .validation = blank}};
    return entry;
}

/* As on end_epoch has it: the heads' numbers on the validation split, else on test. */
static Status take_metrics(const json_t *line, MmlArena *arena, MmlReplayLog *log) {
    const char *stage = text_of(arena, json_object_get(line, "stage")), *split = json_string_value(json_object_get(line, "split"));
    if (!stage || !split) return mml_fail(MML_EDATA, "\"stage\" or \"split\" is missing");
    i64 index;
    MML_TRY(epoch_of(line, &index));
    MmlEpoch *epoch = &epoch_at(log, stage, index, arena)->epoch;
    if (!strcmp(split, "train")) {
        epoch->loss = mml_json_number(line, "loss", NULL);
        epoch->losses = each(log, line, "head_loss", arena);
        epoch->accuracy = each(log, line, "head", arena);
    } else if (!strcmp(split, "validation") || isnan(epoch->validation[0])) {
        epoch->validation = each(log, line, "head", arena);
    }
    return epoch->losses && epoch->accuracy && epoch->validation ? MML_OK : MML_ENOMEM;
}

/* The last line may be cut: a run that was killed leaves one. */
static Status each_line(const char *path, char *bytes, MmlArena *arena, MmlReplayLog *log, TakeLine take) {
    char *rest = bytes;
    i64 number_of_line = 0;
    for (char *line; (line = strsep(&rest, "\n"));) {
        number_of_line++;
        if (!*line) continue;
        json_t *object = json_loads(line, 0, NULL);
        i64 probes = log->probe_count, epochs = log->epoch_count;
        Status status = object ? take(object, arena, log) : mml_fail(MML_EDATA, "it is no JSON");
        json_decref(object);
        if (status == MML_OK) continue;
        log->probe_count = probes;
        log->epoch_count = epochs;
        if (rest) return mml_context(status, "%s, line %lld", path, (long long)number_of_line);
        log->note = mml_arena_format(arena, "%s is cut in line %lld; what stands before it is replayed", path, (long long)number_of_line);
    }
    return MML_OK;
}

static i64 lines_in(const char *text) {
    i64 count = 1;
    for (; *text; text++) count += *text == '\n';
    return count;
}

static Status read_lines(const char *path, MmlArena *arena, MmlReplayLog *log, TakeLine take) {
    char *bytes;
    size_t count;
    MML_TRY(mml_read_file(path, &bytes, &count));
    i64 lines = lines_in(bytes);
    if (take == take_probe) log->probes = MML_NEW(arena, MmlLoggedProbe, lines);
    else log->epochs = MML_NEW(arena, MmlLoggedEpoch, lines);
    Status status = (take == take_probe ? (void *)log->probes : (void *)log->epochs) ? each_line(path, bytes, arena, log, take) : MML_ENOMEM;
    free(bytes);
    return status;
}

static void read_settings(const char *path, MmlReplayLog *log) {
    json_t *run = json_load_file(path, 0, NULL);
    log->settings = json_incref(json_object_get(run, "settings"));
    json_decref(run);
}

Status mml_replay_log_read(const char *path, MmlArena *arena, MmlReplayLog *out) {
    struct stat at;
    *out = (MmlReplayLog){0};
    int is_folder = stat(path, &at) == 0 && S_ISDIR(at.st_mode);
    const char *slash = strrchr(path, '/');
    const char *folder = is_folder ? path : slash ? mml_arena_format(arena, "%.*s", (int)(slash - path), path) : ".";
    const char *probes = is_folder ? mml_arena_format(arena, "%s/probes.jsonl", path) : path;
    const char *metrics = mml_arena_format(arena, "%s/metrics.jsonl", folder), *run = mml_arena_format(arena, "%s/run.json", folder);
    if (!folder || !probes || !metrics || !run) return MML_ENOMEM;
    MML_TRY(read_lines(probes, arena, out, take_probe));
    if (!out->probe_count) return mml_fail(MML_EDATA, "%s holds no probe", probes);
    if (mml_exists(metrics)) MML_TRY(read_lines(metrics, arena, out, take_metrics));
    if (mml_exists(run)) read_settings(run, out);
    return MML_OK;
}

void mml_replay_log_free(MmlReplayLog *log) {
    json_decref(log->settings);
    log->settings = NULL;
}

const char *mml_replay_log_setting(const MmlReplayLog *log, const char *stage, const char *property, char digits[MML_NUMBER_TEXT]) {
    char path[256];
    snprintf(path, sizeof path, "train.%s.%s", stage, property);
    return mml_setting_json_text(json_object_get(log->settings, path), digits);
}
