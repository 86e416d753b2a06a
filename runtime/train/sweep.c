#define _GNU_SOURCE
#include "train/sweep.h"

#include "train/files.h"
#include "train/interrupt.h"
#include "train/run.h"
#include "train/sweep_jobs.h"
#include "train/sweep_plan.h"
#include "train/sweep_print.h"
#include "train/sweep_result.h"
#include "train/sweep_warnings.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

typedef enum { WAITING, RUNNING, DONE, FAILED } JobState;

typedef struct {
    JobState    state;
    pid_t       process;
    const char *folder, *log;
} Job;

typedef struct {
    const MmlExperiment *experiment;
    const MmlCall       *call;
    MmlArena            *arena;
    const char          *folder;
    MmlGrid              grid;
    Job                 *cells, *prefixes;        /* [cell_count]; a prefix at its first cell's place */
    MmlCellResult       *results;
    i64                  running, finished, found, failed;    /* found: finished before this call */
    double               started;
} Sweep;

int mml_sweep_asked(const MmlCall *call) {
    char *path = NULL;
    int asked = call->sweep_count > 0;
    if (call->resume && asprintf(&path, "%s/sweep.json", call->resume) >= 0) {
        asked |= mml_exists(path);
        free(path);
    }
    return asked;
}

/* ---- The folder ---- */

static const char *path_in(Sweep *s, const char *name) { return mml_arena_format(s->arena, "%s/%s", s->folder, name); }

static Status open_folder(Sweep *s, int *lock) {
    int created;
    static const char *const parts[] = {"cells", "prefixes"};
    MML_TRY(mml_folder_make(s->folder, &created));
    *lock = open(s->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*lock < 0) return mml_fail(MML_EIO, "cannot open the folder %s: %s", s->folder, strerror(errno));
    /* The processes of a sweep that was killed inherit its lock, and hold it until they have saved. */
    int busy = 0;
    for (int tries = 0; tries < 100 && (busy = flock(*lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK); tries++) usleep(100 * 1000);
    if (busy)
        return mml_fail(MML_ECALL, "another sweep is at work in %s: wait for it, or choose another folder", s->folder);
    for (int i = 0; i < 2; i++) {
        const char *path = path_in(s, parts[i]);
        if (!path) return MML_ENOMEM;
        MML_TRY(mml_folder_make(path, &created));
    }
    return MML_OK;
}

/* ---- Jobs ---- */

static Status name_jobs(Sweep *s) {
    i64 count = s->grid.cell_count;
    s->cells = MML_NEW(s->arena, Job, count);
    s->prefixes = MML_NEW(s->arena, Job, count);
    s->results = MML_NEW(s->arena, MmlCellResult, count);
    if (!s->cells || !s->prefixes || !s->results) return MML_ENOMEM;
    for (i64 c = 0; c < count; c++) {
        Job *both[] = {&s->cells[c], &s->prefixes[c]};
        static const char *const parts[] = {"cells", "prefixes"};
        for (int i = 0; i < 2; i++) {
            both[i]->folder = mml_arena_format(s->arena, "%s/%s/%03lld", s->folder, parts[i], (long long)c);
            both[i]->log = mml_arena_format(s->arena, "%s/%s/%03lld.log", s->folder, parts[i], (long long)c);
            if (!both[i]->folder || !both[i]->log) return MML_ENOMEM;
        }
        MML_TRY(mml_cell_result_read(s->experiment, s->cells[c].folder, s->arena, &s->results[c]));
        if (!s->results[c].done) continue;
        s->cells[c].state = DONE;
        s->found++;
    }
    return MML_OK;
}

typedef struct { char **words; int count; } Words;

static void add(Words *words, char *word) { words->words[words->count++] = word; }

static int has_file(Sweep *s, const Job *job, const char *name) {
    const char *path = mml_arena_format(s->arena, "%s/%s", job->folder, name);
    return path && mml_exists(path);
}

static int has_checkpoint(Sweep *s, const Job *job) { return has_file(s, job, "last.safetensors"); }
static int has_run(Sweep *s, const Job *job) { return has_checkpoint(s, job) || has_file(s, job, "run.json"); }

/* Of the run of cell's first stage; a run that has a checkpoint goes on from it. */
static MmlShare share_of(Sweep *s, const Job *job, i64 cell) {
    const MmlCell *prefix = &s->grid.cells[s->grid.cells[cell].prefix];
    int takes = prefix->trunk >= 0 && s->prefixes[prefix->trunk].state == DONE && !has_checkpoint(s, job);
    return (MmlShare){.from = takes ? s->prefixes[prefix->trunk].folder : NULL, .keep = prefix->keep};
}

/* A run whose folder has one goes on with it. */
static Status start(Sweep *s, Job *job, i64 cell, int prefix) {
    MmlShare share = share_of(s, job, cell);
    int fresh = !has_run(s, job);
    Words words = {MML_NEW(s->arena, char *, s->call->argc + 2 * s->grid.axis_count + 12), 0};
    if (!words.words) return MML_ENOMEM;
    add(&words, (char *)s->call->program);
    for (int i = 1; i < s->call->argc; i++) {
        char *word = s->call->argv[i];
        if (mml_sweep_is_for_cells(word)) add(&words, word);
        else if (mml_sweep_takes_value(word)) i++;
    }
    for (i64 a = 0; a < s->grid.axis_count; a++) {
        char *value = mml_arena_format(s->arena, "%s=%s", s->grid.axes[a].setting->path, mml_grid_value(&s->grid, cell, a));
        if (!value) return MML_ENOMEM;
        add(&words, "--set");
        add(&words, value);
    }
    add(&words, fresh ? "--out" : "--resume");
    add(&words, (char *)job->folder);
    add(&words, "--quiet");
    if (!s->call->threads) {
        add(&words, "--threads");
        add(&words, "1");
    }
    if (prefix) {
        add(&words, "--until");
        add(&words, (char *)s->experiment->stages[1].name);
    }
    words.words[words.count] = NULL;
    job->process = mml_job_start(s->experiment, words.count, words.words, &share, job->log);
    if (job->process < 0) return mml_fail(MML_EIO, "cannot start a process: %s", strerror(errno));
    job->state = RUNNING;
    s->running++;
    return MML_OK;
}

static Status copy_file(const char *from, const char *to) {
    char *bytes;
    size_t count;
    MML_TRY(mml_read_file(from, &bytes, &count));
    Status status = mml_replace_file(to, bytes, count);
    free(bytes);
    return status;
}

/* A cell begins where its prefix ended: checkpoint and logs, without run.json, which is its own.
 * The checkpoint comes last, since a folder without one starts over. */
static Status begin_at_prefix(Sweep *s, const Job *cell, const Job *prefix) {
    static const char *const files[] = {"metrics.jsonl", "probes.jsonl", "last.safetensors"};
    int created;
    MML_TRY(mml_folder_make(cell->folder, &created));
    DIR *folder = opendir(prefix->folder);
    if (!folder) return mml_fail(MML_EIO, "cannot open the folder %s: %s", prefix->folder, strerror(errno));
    Status status = MML_OK;
    for (struct dirent *entry; status == MML_OK && (entry = readdir(folder));) {
        const char *dot = strrchr(entry->d_name, '.');
        if (!dot || strcmp(dot, ".safetensors") || !strcmp(entry->d_name, "last.safetensors")) continue;
        const char *from = mml_arena_format(s->arena, "%s/%s", prefix->folder, entry->d_name), *to = mml_arena_format(s->arena, "%s/%s", cell->folder, entry->d_name);
        status = from && to ? copy_file(from, to) : MML_ENOMEM;
    }
    closedir(folder);
    for (int i = 0; status == MML_OK && i < 3; i++) {
        const char *from = mml_arena_format(s->arena, "%s/%s", prefix->folder, files[i]), *to = mml_arena_format(s->arena, "%s/%s", cell->folder, files[i]);
        status = from && to ? copy_file(from, to) : MML_ENOMEM;
    }
    return status;
}

/* Starts the run of cell's first stage, when what it takes over is there; a trunk that failed has nothing to give. */
static Status start_behind_trunk(Sweep *s, Job *job, i64 cell, int prefix, int *did) {
    i64 trunk = s->grid.cells[s->grid.cells[cell].prefix].trunk;
    JobState state = trunk < 0 || has_checkpoint(s, job) ? DONE : s->prefixes[trunk].state;
    if (state == WAITING) return start(s, &s->prefixes[trunk], trunk, 1);
    *did = state != RUNNING;
    return *did ? start(s, job, cell, prefix) : MML_OK;
}

/* Starts what cell c needs next. *did: 0 when it has to wait for another one's first stage. */
static Status advance(Sweep *s, i64 c, int *did) {
    i64 first = s->grid.cells[c].prefix;
    Job *cell = &s->cells[c], *prefix = &s->prefixes[first];
    int shares = s->experiment->stage_count > 1 && (s->grid.cells[first].shared > 1 || s->grid.cells[first].keep);
    *did = 1;
    if (!shares || has_run(s, cell)) return start_behind_trunk(s, cell, c, 0, did);
    switch (prefix->state) {
    case WAITING: return start_behind_trunk(s, prefix, first, 1, did);
    case DONE:
        MML_TRY(begin_at_prefix(s, cell, prefix));
        return start(s, cell, c, 0);
    case FAILED:
        cell->state = FAILED;
        s->results[c].failure = s->results[first].failure;
        s->failed++;
        return MML_OK;
    default:
        *did = 0;
        return MML_OK;
    }
}

static Status start_jobs(Sweep *s, i64 jobs) {
    for (i64 c = 0; c < s->grid.cell_count && s->running < jobs; c++) {
        int did;
        if (s->cells[c].state == WAITING) MML_TRY(advance(s, c, &did));
    }
    return MML_OK;
}

static Job *job_of(Sweep *s, pid_t process, i64 *cell, int *prefix) {
    for (i64 c = 0; c < s->grid.cell_count; c++)
        for (*prefix = 0; *prefix < 2; ++*prefix) {
            Job *job = *prefix ? &s->prefixes[c] : &s->cells[c];
            if (job->state != RUNNING || job->process != process) continue;
            *cell = c;
            return job;
        }
    return NULL;
}

/* ---- Progress ---- */

__attribute__((format(printf, 2, 3)))
static void say(const Sweep *s, const char *format, ...) {
    va_list arguments;
    if (s->call->quiet) return;
    FILE *out = s->call->json ? stderr : stdout;
    va_start(arguments, format);
    vfprintf(out, format, arguments);
    va_end(arguments);
    fputc('\n', out);
    fflush(out);
}

static void say_finished(Sweep *s, i64 cell) {
    char text[16];
    const MmlCellResult *r = &s->results[cell];
    i64 count = s->grid.cell_count, all = s->found + s->finished + s->failed;
    double left = s->finished ? (mml_now() - s->started) / (double)s->finished * (double)(count - all) : 0;
    say(s, "%lld/%lld  %s: fused %s  (%.0f s; about %.0f s left)", (long long)all, (long long)count, mml_grid_name(&s->grid, cell, 1, s->arena),
        mml_percent(r->accuracy, text), r->seconds, left);
}

static Status finished(Sweep *s, Job *job, i64 cell, int prefix, int code) {
    s->running--;
    int stopped = code == 130 || code == 128 + SIGINT || code == 128 + SIGTERM;
    if (stopped && mml_interrupted()) {
        job->state = WAITING;
        return MML_OK;
    }
    if (code == 0) {
        job->state = DONE;
        if (prefix) return MML_OK;
        MML_TRY(mml_cell_result_read(s->experiment, job->folder, s->arena, &s->results[cell]));
        if (!s->results[cell].done) return mml_fail(MML_EDATA, "%s ended well and left no summary.json", job->folder);
        s->finished++;
        say_finished(s, cell);
        return MML_OK;
    }
    job->state = FAILED;
    const char *line = mml_job_last_line(job->log, s->arena), *error = strstr(line, "error: ");
    s->results[cell].failure = mml_arena_format(s->arena, "exit %d: %s", code, error ? error + strlen("error: ") : line);
    if (!prefix) s->failed++;
    fprintf(stderr, "%s: %s failed (%s); see %s\n", s->experiment->name, mml_grid_name(&s->grid, cell, 1, s->arena),
            s->results[cell].failure ? s->results[cell].failure : "", job->log);
    return MML_OK;
}

/* ---- The loop ---- */

static void stop_jobs(Sweep *s) {
    for (i64 c = 0; c < s->grid.cell_count; c++) {
        if (s->cells[c].state == RUNNING) kill(s->cells[c].process, SIGTERM);
        if (s->prefixes[c].state == RUNNING) kill(s->prefixes[c].process, SIGTERM);
    }
}

static int waiting(const Sweep *s) {
    for (i64 c = 0; c < s->grid.cell_count; c++)
        if (s->cells[c].state == WAITING) return 1;
    return 0;
}

static Status run_jobs(Sweep *s, i64 jobs) {
    Status status = MML_OK;
    int stopped = 0;
    while (s->running || (waiting(s) && !stopped)) {
        if (!stopped && !mml_interrupted()) status = start_jobs(s, jobs);
        if ((mml_interrupted() || status != MML_OK) && !stopped) {
            stopped = 1;
            stop_jobs(s);
        }
        int code, prefix;
        i64 cell;
        pid_t process = s->running ? mml_job_wait(&code, !stopped) : 0;
        Job *job = process > 0 ? job_of(s, process, &cell, &prefix) : NULL;
        if (!job) continue;
        Status ended = finished(s, job, cell, prefix, code);
        if (status == MML_OK) status = ended;
    }
    if (status == MML_OK && mml_interrupted())
        return mml_fail(MML_EINTERRUPT, "the sweep was stopped after %lld of %lld cells; to go on: %s --resume %s", (long long)(s->found + s->finished),
                        (long long)s->grid.cell_count, s->call->program, s->folder);
    return status;
}

/* Runs of the first stage that train all of it. */
static i64 distinct_prefixes(const MmlGrid *grid) {
    i64 count = 0;
    for (i64 c = 0; c < grid->cell_count; c++) count += grid->cells[c].prefix == c && grid->cells[c].trunk < 0 && !grid->cells[c].idle;
    return count;
}

static void say_plan(Sweep *s, i64 jobs) {
    i64 first = distinct_prefixes(&s->grid);
    say(s, "sweep of %s: %lld cells, %lld at a time, in %s", s->experiment->name, (long long)s->grid.cell_count, (long long)jobs, s->folder);
    if (s->experiment->stage_count > 1 && first < s->grid.cell_count)
        say(s, "%s is trained %lld time%s and shared", s->experiment->stages[0].name, (long long)first, first == 1 ? "" : "s");
    if (s->found) say(s, "%lld cells are finished already", (long long)s->found);
}

/* Those of a cell's own run and of the run that its first stage was taken from. */
static Status print_warnings(Sweep *s) {
    MmlWarnings warnings = {.arena = s->arena};
    for (i64 c = 0; c < s->grid.cell_count; c++) {
        MML_TRY(mml_warnings_add(&warnings, s->experiment, s->cells[c].log, c));
        MML_TRY(mml_warnings_add(&warnings, s->experiment, s->prefixes[s->grid.cells[c].prefix].log, c));
    }
    mml_warnings_print(&warnings, s->experiment, s->grid.cell_count);
    return MML_OK;
}

static Status run(Sweep *s) {
    i64 jobs = s->call->jobs ? s->call->jobs : s->call->threads ? (mml_threads_available() + s->call->threads - 1) / s->call->threads : mml_threads_available();
    MML_TRY(name_jobs(s));
    say_plan(s, jobs);
    s->started = mml_now();
    mml_interrupt_install();
    Status status = run_jobs(s, jobs);
    mml_interrupt_restore();
    if (status != MML_OK) return status;
    MML_TRY(print_warnings(s));
    MmlSweepTable table;
    MML_TRY(mml_sweep_table_new(&s->grid, s->results, s->arena, &table));
    MML_TRY(mml_sweep_write(&table, s->folder));
    if (s->call->json) mml_sweep_print_json(&table);
    else if (!s->call->quiet) mml_sweep_print(&table, s->folder);
    if (s->failed) return mml_fail(MML_ENUMERIC, "%lld of %lld cells failed", (long long)s->failed, (long long)s->grid.cell_count);
    return MML_OK;
}

Status mml_sweep_run(MmlSettings *settings, MmlCall *call) {
    MmlCall earlier;
    MmlSettings first;
    Sweep s = {.experiment = settings->experiment, .call = call, .arena = settings->arena, .folder = call->out};
    int lock = -1;
    if (call->resume) {
        int argc = 0;
        char **argv = NULL;
        if (!mml_sweep_only_resumes(call))
            return mml_fail(MML_ECALL, "--resume of a sweep takes its call from %s/sweep.json: leave out all but --jobs, --quiet and --json", call->resume);
        MML_TRY(mml_sweep_plan_read(s.experiment, call->resume, s.arena, &argc, &argv));
        argv[0] = (char *)call->program;
        MML_TRY(mml_settings_new(s.arena, s.experiment, &first));
        MML_TRY(mml_options_parse(argc, argv, &first, &earlier));
        if (call->jobs) earlier.jobs = call->jobs;
        earlier.quiet = call->quiet;
        earlier.json = call->json;
        s.call = &earlier;
        s.folder = call->resume;
        settings = &first;
    }
    MML_TRY(mml_grid_new(settings, s.call, &s.grid));
    if (!s.folder) s.folder = mml_sweep_folder(s.experiment, s.arena);
    if (!s.folder) return MML_ENOMEM;
    const char *plan = path_in(&s, "sweep.json"), *other = path_in(&s, "run.json");
    if (!plan || !other) return MML_ENOMEM;
    if (!call->resume && (mml_exists(plan) || mml_exists(other)))
        return mml_fail(MML_ECALL, "--out: %s holds a %s already: go on with it by --resume %s, or choose another folder", s.folder,
                        mml_exists(plan) ? "sweep" : "run", s.folder);
    Status status = open_folder(&s, &lock);
    if (status == MML_OK && !call->resume) status = mml_sweep_plan_write(s.experiment, call, s.grid.cell_count, plan);
    if (status == MML_OK) status = run(&s);
    if (lock >= 0) close(lock);
    return status;
}
