#define _GNU_SOURCE
#include "train/resume.h"

#include "train/files.h"
#include "train/setting_json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct MmlEarlier { json_t *run; char *path; };

void mml_earlier_free(MmlEarlier *earlier) {
    if (!earlier) return;
    json_decref(earlier->run);
    free(earlier->path);
    free(earlier);
}

static const char *text_of(const MmlEarlier *earlier, const char *key) {
    return json_string_value(json_object_get(earlier->run, key));
}

static Status check_program(const MmlEarlier *earlier, const MmlExperiment *experiment) {
    const char *name = text_of(earlier, "experiment"), *hash = text_of(earlier, "hash");
    if (!hash) return mml_fail(MML_EDATA, "%s is not the run.json of a trainer", earlier->path);
    if (!strcmp(hash, experiment->hash)) return MML_OK;
    return mml_fail(MML_ECALL,
                    "--resume: %s was written by another program or another build of it (%s, hash %s; this one is %s, hash %s)",
                    earlier->path, name ? name : "?", hash, experiment->name, experiment->hash);
}

static Status parse(MmlEarlier *earlier) {
    char *bytes;
    size_t count;
    json_error_t error;
    MML_TRY(mml_read_file(earlier->path, &bytes, &count));
    earlier->run = json_loadb(bytes, count, 0, &error);
    free(bytes);
    if (!earlier->run) return mml_fail(MML_EDATA, "%s:%d: %s", earlier->path, error.line, error.text);
    return json_is_object(earlier->run) ? MML_OK : mml_fail(MML_EDATA, "%s is not the run.json of a trainer", earlier->path);
}

Status mml_earlier_read(const MmlExperiment *experiment, const char *folder, MmlEarlier **out) {
    *out = NULL;
    if (!mml_exists(folder)) return mml_fail(MML_ECALL, "--resume: there is no folder %s", folder);
    MmlEarlier *earlier = calloc(1, sizeof *earlier);
    if (!earlier || asprintf(&earlier->path, "%s/run.json", folder) < 0) {
        free(earlier);
        return mml_fail(MML_ENOMEM, "out of memory to read %s", folder);
    }
    if (!mml_exists(earlier->path)) {
        mml_earlier_free(earlier);
        return MML_OK;
    }
    Status status = parse(earlier);
    if (status == MML_OK) status = check_program(earlier, experiment);
    if (status == MML_OK) *out = earlier;
    else mml_earlier_free(earlier);
    return status;
}

static const json_t *setting_of(const MmlEarlier *earlier, const char *path) {
    return json_object_get(json_object_get(earlier->run, "settings"), path);
}

Status mml_earlier_apply(const MmlEarlier *earlier, MmlRun *run) {
    const MmlExperiment *experiment = run->experiment;
    for (i64 i = 0; i < experiment->setting_count; i++) {
        const MmlSetting *setting = &experiment->settings[i];
        const json_t *entry = setting_of(earlier, setting->path);
        char digits[MML_NUMBER_TEXT];
        const char *value = mml_setting_json_text(entry, digits);
        if (!json_is_true(json_object_get(entry, "given")) || !value || run->settings.given[setting->slot]) continue;
        Status status = mml_setting_give(&run->settings, setting, value);
        if (status != MML_OK) return mml_context(status, "%s", earlier->path);
    }
    const json_t *threads = json_object_get(earlier->run, "threads");
    if (!run->call.threads) run->call.threads = json_integer_value(threads);
    else if (run->call.threads != json_integer_value(threads))
        fprintf(stderr, "%s: warning: the run began with %lld threads; with %lld its numbers may differ in the last digits\n", experiment->name,
                (long long)json_integer_value(threads), (long long)run->call.threads);
    const char *kernels = text_of(earlier, "kernels");
    if (kernels && run->call.kernels && strcmp(kernels, run->call.kernels))
        fprintf(stderr, "%s: warning: the run began with --kernels %s; with %s its numbers may differ in the last digits\n", experiment->name,
                kernels, run->call.kernels);
    else if (kernels)
        run->call.kernels = strcmp(kernels, "reference") ? "fast" : "reference";
    const char *init = text_of(earlier, "init");
    if (init) run->call.init = mml_arena_format(run->arena, "%s", init);
    return init && !run->call.init ? MML_ENOMEM : MML_OK;
}

Status mml_earlier_compare(const MmlEarlier *earlier, const MmlRun *run) {
    const MmlExperiment *experiment = run->experiment;
    const char *differences = "";
    for (i64 i = 0; i < experiment->setting_count; i++) {
        const MmlSetting *setting = &experiment->settings[i];
        char digits[MML_NUMBER_TEXT];
        const char *then = mml_setting_json_text(setting_of(earlier, setting->path), digits);
        const char *now = mml_setting_text(&run->settings, setting, run->arena);
        if (!now) return MML_ENOMEM;
        if (then && !strcmp(then, now)) continue;
        differences = mml_arena_format(run->arena, "%s%s%s was %s and is now %s", differences, *differences ? "; " : "",
                                       setting->path, then ? then : "not there", now);
        if (!differences) return MML_ENOMEM;
    }
    if (!*differences) return MML_OK;
    return mml_fail(MML_ECALL,
                    "--resume: the run in %s has other settings: %s (leave them out to go on, or start a new run with --out)", run->call.resume, differences);
}

Status mml_earlier_compare_data(const MmlEarlier *earlier, const MmlRun *run) {
    const char *then = json_string_value(json_object_get(json_object_get(earlier->run, "data"), "checksum"));
    const char *now = mml_data_checksum(run->data);
    if (!then || !now || !strcmp(then, now)) return MML_OK;
    return mml_fail(MML_EDATA, "--resume: the data are not those that the run in %s began with (checksum %s, now %s)",
                    run->call.resume, then, now);
}
