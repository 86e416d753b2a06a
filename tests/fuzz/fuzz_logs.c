/* A run's folder with one file of any bytes (the first says which): it is replayed, a report is made of it, and --resume
 * looks at it; or one message comes for each. The folder is made in $TMPDIR: one in memory is many times as fast, as reports
 * are forced to disk. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "mml/replay.h"
#include "train/report.h"
#include "train/resume.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static char folder[256];

enum { FILES = 4 };
static const struct { const char *name, *text; } files[FILES] = {
    {"probes.jsonl",
     "{\"stage\": \"a\", \"epoch\": 2, \"measure\": \"probe\", \"redundancy\": 0.5, \"unique\": {\"x\": 0.1, \"y\": 0.2}, \"synergy\": 0.3, "
     "\"mutual\": {\"x\": 0.6, \"y\": 0.7}, \"active\": [\"x\", \"y\"], \"decision\": {\"actions\": [\"only(x)\"], \"finish\": null, \"say\": []}}\n"},
    {"metrics.jsonl",
     "{\"stage\": \"a\", \"epoch\": 1, \"split\": \"train\", \"loss\": 2.5, \"head\": {\"x\": 0.25, \"y\": 0.5}, \"head_loss\": {\"x\": 1, \"y\": 1.5}, "
     "\"active\": [\"x\", \"y\"]}\n{\"stage\": \"a\", \"epoch\": 1, \"split\": \"test\", \"loss\": 3, \"head\": {\"x\": 0.3, \"y\": 0.35}}\n"},
    {"run.json",
     "{\"experiment\": \"e\", \"hash\": \"h\", \"threads\": 2, \"settings\": {\"train.a.epochs\": {\"value\": \"3 epochs\", \"type\": \"epochs\", "
     "\"origin\": \"default\", \"given\": false}, \"train.a.probe.every\": {\"value\": \"1 epochs\"}}, \"data\": {\"checksum\": \"0\"}}"},
    {"summary.json",
     "{\"accuracy\": 0.3, \"head\": {\"x\": 0.4, \"y\": 0.3}, \"stages\": [{\"name\": \"a\", \"epochs\": 3, \"reason\": \"all\"}], "
     "\"confusion\": [[1, 1], [2, 1]], \"per_class\": [0.5, 0.3], \"seconds\": {\"train\": 0.01, \"total\": 0.1}}"},
};

static void write_file(const char *name, const void *bytes, size_t count) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, count, file) != count || fclose(file)) abort();
}

static void remove_folder(void) {
    char path[512];
    for (int i = 0; i <= FILES; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, i < FILES ? files[i].name : "report.html");
        unlink(path);
    }
    rmdir(folder);
}

static void line(void *context, const MmlReplayLine *line)    { if (line->taken && !*line->taken) abort(); }
static void stage(void *context, const MmlReplayStage *stage) { if (stage->differing > stage->lines) abort(); }
static void note(void *context, const char *text)             { if (!*text) abort(); }

static void check(Status status) {
    if (status != MML_OK && !*mml_message()) abort();
}

static void replay(MmlArena *arena) {
    static const MmlReplayListener listener = {NULL, line, stage, note};
    static const MmlRule policy = {.name = "always"};
    static const MmlStage stages[] = {{.name = "a", .policy = &policy}};
    MmlExperiment bound = {.stages = stages, .stage_count = 1};
    MmlSettings settings = {.experiment = &bound, .arena = arena};
    const char *const *names;
    Status status = mml_replay_modalities(folder, arena, &names, &bound.modality_count);
    if (status == MML_OK) status = mml_replay(folder, &bound, &settings, arena, &listener);
    check(status);
}

static void resume(void) {
    static const MmlExperiment experiment = {.name = "e", .hash = "h"};
    MmlEarlier *earlier;
    check(mml_earlier_read(&experiment, folder, &earlier));
    mml_earlier_free(earlier);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    static int made;
    if (!made) {
        const char *place = getenv("TMPDIR");
        snprintf(folder, sizeof folder, "%s/mml-fuzz-logs-XXXXXX", place ? place : "/tmp");
        if (!mkdtemp(folder)) abort();
        atexit(remove_folder);
        made = 1;
    }
    if (count < 1) return 0;
    for (int i = 0; i < FILES; i++) {
        int chosen = bytes[0] % FILES == i;
        write_file(files[i].name, chosen ? (const void *)(bytes + 1) : files[i].text, chosen ? count - 1 : strlen(files[i].text));
    }
    MmlArena *arena = mml_arena_new();
    if (!arena) return 0;
    replay(arena);
    check(mml_report_write(folder));
    resume();
    mml_arena_free(arena);
    return 0;
}
