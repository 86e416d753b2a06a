#define _GNU_SOURCE
#include "train/plan.h"

#include "train/files.h"
#include "train/setting_json.h"
#include "train/settings_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define DEVICE "cpu"

/* ---- For people ---- */

/* 11170240 as "11,170,240". */
static const char *grouped(i64 value, char text[32]) {
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)value), used = 0;
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0) text[used++] = ',';
        text[used++] = digits[i];
    }
    text[used] = 0;
    return text;
}

static i64 parameters_of(const MmlExperiment *experiment, i64 group) {
    i64 count = 0;
    for (i64 p = 0; p < experiment->parameter_count; p++)
        if (group < 0 || experiment->parameters[p].group == group) count += experiment->parameters[p].count;
    return count;
}

static void print_stage(MmlRun *run, const MmlStageSettings *s) {
    const MmlStage *stage = s->stage;
    if (s->epochs == 0) {
        mml_screen_line(&run->screen, "%-9s skipped (epochs = 0)", stage->name);
        return;
    }
    const char *probe = "";
    if (stage->has_probe) probe = mml_arena_format(run->arena, ", probe every %lld epoch%s",
                                                   (long long)s->measures[0].every, s->measures[0].every == 1 ? "" : "s");
    mml_screen_line(&run->screen, "%-9s %lld epoch%s%s, batch %lld, %s(lr = %g)%s%s%s%s%s", stage->name,
                    (long long)s->epochs, s->epochs == 1 ? "" : "s",
                    stage->policy ? " at most" : "", (long long)s->batch, s->optimizer_word, s->optimizer.lr, probe,
                    stage->policy ? ", policy " : "", stage->policy ? stage->policy->name : "", stage->method ? ", method " : "",
                    stage->method ? stage->method->name : "");
}

void mml_plan_print(MmlRun *run) {
    const MmlExperiment *experiment = run->experiment;
    MmlScreen *screen = &run->screen;
    char a[32], b[32];
    mml_screen_line(screen, "%s: %s, seed %lld, %d thread%s, %s", experiment->name, experiment->file,
                    (long long)mml_int(&run->settings, "train.seed"),
                    mml_threads_count(run->threads), mml_threads_count(run->threads) == 1 ? "" : "s", DEVICE);
    mml_screen_line(screen, "%-9s %s", "data", mml_data_describe(run->data));
    if (mml_data_cache_describe(run->data)) mml_screen_line(screen, "%-9s %s", "cache", mml_data_cache_describe(run->data));
    for (i64 i = 0; mml_data_skip(run->data, i); i++) mml_screen_line(screen, "skipped   %s", mml_data_skip(run->data, i));
    for (i64 i = 0; mml_data_replacement(run->data, i); i++) mml_screen_line(screen, "replaced  %s", mml_data_replacement(run->data, i));
    for (i64 m = 0; m < experiment->modality_count; m++) {
        const MmlModality *modality = &experiment->modalities[m];
        mml_screen_line(screen, "%-9s %s -> %lld features, %s parameters", modality->name, modality->type, (long long)modality->width,
                        grouped(parameters_of(experiment, m), a));
    }
    mml_screen_line(screen, "%-9s %lld classes; %s parameters in all, %s KiB of work memory", experiment->target.name,
                    (long long)experiment->target.classes,
                    grouped(parameters_of(experiment, -1), a), grouped(run->work.bytes >> 10, b));
    for (i64 i = 0; i < experiment->stage_count; i++) print_stage(run, &run->stages[i]);
    if (run->folder) mml_screen_line(screen, "%-9s %s", "output", run->folder);
}

void mml_plan_warn(const MmlRun *run) {
    const char *name = run->experiment->name;
    i64 count = mml_data_count(run->data, MML_TRAIN);
    if (!mml_data_count(run->data, MML_TEST))
        fprintf(stderr, "%s: warning: the data have no test split, so no test accuracy is measured; give their source test = 10 %%, "
                "every(n, k) or a file\n", name);
    for (i64 i = 0; i < run->experiment->stage_count; i++) {
        const MmlStageSettings *stage = &run->stages[i];
        if (stage->epochs == 0) continue;
        if (stage->batch > count)
            fprintf(stderr, "%s: warning: stage %s: a batch of %lld is larger than the train split (%lld): each epoch is one partial batch\n",
                    name, stage->stage->name, (long long)stage->batch, (long long)count);
        for (i64 k = 0; k < stage->stage->measurement_count; k++) {
            const MmlMeasureSettings *measure = &stage->measures[k];
            i64 there = mml_data_count(run->data, measure->split);
            if (measure->samples > there)
                fprintf(stderr, "%s: warning: %s asks for %lld samples, the %s split has %lld: it takes those\n", name, measure->path,
                        (long long)measure->samples, mml_split_name(measure->split), (long long)there);
        }
    }
}

/* ---- run.json ---- */

static void put_text(MmlJson *json, const char *key, const char *value) {
    mml_json_key(json, key);
    mml_json_text(json, value);
}

static void put_int(MmlJson *json, const char *key, i64 value) {
    mml_json_key(json, key);
    mml_json_int(json, value);
}

static Status put_settings(const MmlRun *run, MmlJson *json) {
    const MmlExperiment *experiment = run->experiment;
    mml_json_key(json, "settings");
    mml_json_open(json, '{');
    for (i64 i = 0; i < experiment->setting_count; i++) {
        const MmlSetting *setting = &experiment->settings[i];
        int given = run->settings.given[setting->slot];
        const char *text = mml_setting_text(&run->settings, setting, run->arena);
        const char *type = mml_setting_type_text(setting, run->arena);
        if (!text || !type) return MML_ENOMEM;
        mml_json_key(json, setting->path);
        mml_json_open(json, '{');
        mml_json_key(json, "value");
        mml_setting_json_put(setting, text, json);
        put_text(json, "type", type);
        put_text(json, "origin", given ? "command line" : setting->origin);
        mml_json_key(json, "given");
        mml_json_bool(json, given);
        mml_json_close(json, '}');
    }
    mml_json_close(json, '}');
    return MML_OK;
}

static void put_machine(MmlJson *json) {
    struct utsname system;
    char cpu[256] = "", line[512];
    FILE *info = fopen("/proc/cpuinfo", "r");
    while (info && !*cpu && fgets(line, sizeof line, info)) {
        const char *colon = strchr(line, ':');
        if (colon && !strncmp(line, "model name", 10)) snprintf(cpu, sizeof cpu, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
    }
    if (info) fclose(info);
    int known = uname(&system) == 0;
    mml_json_key(json, "machine");
    mml_json_open(json, '{');
    put_text(json, "host", known ? system.nodename : NULL);
    put_text(json, "system", known ? system.sysname : NULL);
    put_text(json, "release", known ? system.release : NULL);
    put_text(json, "architecture", known ? system.machine : NULL);
    put_text(json, "cpu", *cpu ? cpu : NULL);
    put_int(json, "cpus", mml_threads_available());
    put_int(json, "memory", (i64)sysconf(_SC_PHYS_PAGES) * (i64)sysconf(_SC_PAGESIZE));
    mml_json_close(json, '}');
}

static void put_data(const MmlRun *run, MmlJson *json) {
    mml_json_key(json, "data");
    mml_json_open(json, '{');
    for (int split = 0; split < MML_SPLITS; split++) put_int(json, mml_split_name(split), mml_data_count(run->data, split));
    put_int(json, "skipped", mml_data_skipped(run->data));
    put_int(json, "replaced_frames", mml_data_replaced(run->data));
    put_text(json, "checksum", mml_data_checksum(run->data));
    put_text(json, "description", mml_data_describe(run->data));
    if (mml_data_class(run->data, 0)) {
        mml_json_key(json, "classes");
        mml_json_open(json, '[');
        for (i64 i = 0; mml_data_class(run->data, i); i++) mml_json_text(json, mml_data_class(run->data, i));
        mml_json_close(json, ']');
    }
    mml_json_close(json, '}');
}

static void put_call(const MmlRun *run, MmlJson *json) {
    char started[32];
    time_t now = time(NULL);
    struct tm local;
    localtime_r(&now, &local);
    strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%S%z", &local);
    put_text(json, "started", started);
    mml_json_key(json, "command");
    mml_json_open(json, '[');
    for (int i = 0; i < run->call.argc; i++) mml_json_text(json, run->call.argv[i]);
    mml_json_close(json, ']');
    put_int(json, "seed", mml_int(&run->settings, "train.seed"));
    put_int(json, "threads", mml_threads_count(run->threads));
    put_text(json, "device", DEVICE);
    put_text(json, "kernels", run->call.kernels);
    put_text(json, "init", run->call.init);
}

static void put_program(const MmlRun *run, MmlJson *json) {
    const MmlExperiment *experiment = run->experiment;
    put_text(json, "format", "mml-run/1");
    put_text(json, "experiment", experiment->name);
    put_text(json, "file", experiment->file);
    put_text(json, "hash", experiment->hash);
    put_text(json, "compiler", experiment->compiler);
    put_text(json, "flags", experiment->flags);
    put_text(json, "runtime", MML_RUNTIME_VERSION);
    put_int(json, "parameters", parameters_of(experiment, -1));
}

Status mml_plan_write(const MmlRun *run) {
    MmlJson json = {.lines = 2};
    mml_json_open(&json, '{');
    put_program(run, &json);
    put_call(run, &json);
    Status status = put_settings(run, &json);
    put_data(run, &json);
    put_machine(&json);
    put_text(&json, "program", run->experiment->text);
    mml_json_close(&json, '}');
    mml_json_newline(&json);
    char *path = NULL;
    if (status == MML_OK) status = mml_json_status(&json);
    if (status == MML_OK && asprintf(&path, "%s/run.json", run->folder) < 0) status = mml_fail(MML_ENOMEM, "out of memory for a path");
    if (status == MML_OK) status = mml_replace_file(path, json.text, json.used);
    free(path);
    mml_json_free(&json);
    return status;
}
