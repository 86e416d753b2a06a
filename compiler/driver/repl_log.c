#include "driver/repl_log.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "driver/repl_evaluate.h"
#include "driver/repl_pid.h"

static int is_name(const char *text) {
    for (const char *c = text; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '_' || (c > text && *c >= '0' && *c <= '9'))) return 0;
    return *text != 0;
}

int log_open(const char *path, Log *out) {
    *out = (Log){.path = path, .arena = mml_arena_new()};
    Status status = out->arena ? mml_replay_modalities(path, out->arena, &out->modalities, &out->count) : MML_ENOMEM;
    for (i64 m = 0; status == MML_OK && m < out->count; m++)
        if (!is_name(out->modalities[m])) status = mml_fail(MML_EDATA, "%s: `%s` is no modality's name", path, out->modalities[m]);
    if (status != MML_OK) failed_with("");
    return status == MML_OK;
}

int log_is(const char *path) {
    struct stat at;
    const char *ending = strrchr(path, '.');
    return (ending && !strcmp(ending, ".jsonl")) || (stat(path, &at) == 0 && S_ISDIR(at.st_mode));
}

/* ---- Columns ---- */

static void put_number(double value) {
    if (isnan(value)) printf("%9s", "–       "), putchar(' ');
    else printf("%9.4f ", value);
}

void log_put_head(const Log *log, const char *title) {
    printf("%s\nepoch %9s ", title, "R");
    for (i64 m = 0; m < log->count; m++) printf("  U %-5.5s ", log->modalities[m]);
    printf("%9s ", "S");
}

void log_put_probe(const Log *log, const MmlProbe *probe) {
    printf("%-5lld ", (long long)probe->epoch);
    put_number(probe->redundancy);
    for (i64 m = 0; m < log->count; m++) put_number(probe->unique[m]);
    put_number(probe->synergy);
}

/* ---- The table ---- */

/* Lines of one stage and measure stand together, each such table where its first line is. */
static int is_first(const MmlProbeLine *lines, i64 at) {
    for (i64 i = 0; i < at; i++)
        if (!strcmp(lines[i].stage, lines[at].stage) && !strcmp(lines[i].measure, lines[at].measure)) return 0;
    return 1;
}

static void put_table(const Log *log, const MmlProbeLine *lines, i64 count, i64 first) {
    const char *stage = lines[first].stage, *measure = lines[first].measure;
    char title[128];
    int watched = strcmp(measure, "probe") != 0;
    snprintf(title, sizeof title, "%.60s%s%.60s", stage, watched ? ", " : "", watched ? measure : "");
    log_put_head(log, title);
    printf("  %9s %9s %9s\n", "± of S", "total", "gap");
    for (i64 i = first; i < count; i++) {
        const MmlProbe *probe = lines[i].probe;
        if (strcmp(lines[i].stage, stage) || strcmp(lines[i].measure, measure)) continue;
        log_put_probe(log, probe);
        putchar(' ');
        put_number(probe->synergy_error);
        put_number(probe->total);
        if (isnan(probe->gap)) printf("%9s\n", "–");
        else printf("%9.1e\n", probe->gap);
    }
}

static Answer value_of(Question *question, const Log *log, const MmlProbe *probe) {
    MmlPid pid = {.redundancy = probe->redundancy, .synergy = probe->synergy, .total = probe->total, .entropy = probe->entropy,
                  .gap = probe->gap};
    const char *names[MML_PID_SOURCES];
    for (i64 m = 0; m < log->count; m++) {
        pid.unique[m] = probe->unique[m];
        pid.mutual[m] = probe->mutual[m];
        names[m] = arena_copy(question->arena, log->modalities[m], strlen(log->modalities[m]));
    }
    Answer result = pid_result(&pid, names, (int)log->count);
    result.type = arena_printf(question->arena, "probe of epoch %lld", (long long)probe->epoch);
    result.synergy_error = probe->synergy_error;
    return result;
}

Answer log_probes(Question *question, const char *path) {
    Log                 log;
    const MmlProbeLine *lines = NULL;
    const char         *note = NULL;
    i64                 count = 0;
    Answer              result = {0};
    int                 fine = log_open(path, &log);
    if (fine && mml_replay_probes(path, log.arena, &lines, &count, &note) != MML_OK) fine = failed_with("").kind;
    if (fine && note) printf("note: %s\n", note);
    for (i64 i = 0; fine && i < count; i++) {
        if (is_first(lines, i)) put_table(&log, lines, count, i);
        if (!strcmp(lines[i].measure, "probe") && !isnan(lines[i].probe->redundancy)) result = value_of(question, &log, lines[i].probe);
    }
    mml_arena_free(log.arena);
    return result;
}
