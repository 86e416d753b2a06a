#include "mml/kernels.h"
#include "mml/pages.h"
#include "mml/train.h"

#include "train/checkpoint.h"
#include "train/files.h"
#include "train/folder.h"
#include "train/interrupt.h"
#include "train/measure.h"
#include "train/modes.h"
#include "train/plan.h"
#include "train/predict.h"
#include "train/report.h"
#include "train/resume.h"
#include "train/summary.h"
#include "train/sweep.h"
#include "train/trainer.h"
#include "train/weights.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- Getting ready ---- */

static Status check_machine(const MmlExperiment *experiment) {
    if (experiment->abi != MML_ABI_VERSION)
        return mml_fail(MML_EBUG, "the program was compiled for runtime interface %lld, this is %d: compile it again",
                        (long long)experiment->abi, MML_ABI_VERSION);
    if (experiment->block <= mml_block_of_cpu()) return MML_OK;
    return mml_fail(MML_ECALL, "the program was compiled for processors with %s (%s), which this one has not; compile it here: mmlc %s",
                    experiment->block > 8 ? "AVX-512" : "AVX2 and FMA", experiment->flags, experiment->file);
}

/* --kernels reference: every stage has its steps twice. */
static Status choose_kernels(MmlRun *run) {
    if (!run->call.kernels) run->call.kernels = "fast";
    if (strcmp(run->call.kernels, "reference")) return MML_OK;
    MmlExperiment *experiment = MML_NEW(run->arena, MmlExperiment, 1);
    MmlStage *stages = MML_NEW(run->arena, MmlStage, run->experiment->stage_count);
    if (!experiment || !stages) return MML_ENOMEM;
    *experiment = *run->experiment;
    experiment->stages = stages;
    for (i64 i = 0; i < experiment->stage_count; i++) {
        stages[i] = run->experiment->stages[i];
        if (stages[i].reference_train) stages[i].train = stages[i].reference_train;
        if (stages[i].reference_evaluate) stages[i].evaluate = stages[i].reference_evaluate;
    }
    run->experiment = run->settings.experiment = experiment;
    return MML_OK;
}

static Status read_settings(MmlRun *run, MmlEarlier **earlier) {
    MmlCall *call = &run->call;
    if (call->resume) MML_TRY(mml_earlier_read(run->experiment, call->resume, earlier));
    if (*earlier) MML_TRY(mml_earlier_apply(*earlier, run));
    MML_TRY(choose_kernels(run));
    MML_TRY(mml_settings_finish(&run->settings));
    return *earlier ? mml_earlier_compare(*earlier, run) : MML_OK;
}

static int needs_second(const MmlRun *run) {
    for (i64 i = 0; i < run->experiment->stage_count; i++)
        if (run->stages[i].optimizer.kind == MML_ADAM) return 1;
    return 0;
}

/* Where nothing is written, nothing is chosen. */
static int writes_folder(const MmlCall *call) { return !call->check && !call->overfit_batch && !call->eval; }

static void warn(void *context, const char *text) {
    const MmlRun *run = context;
    fprintf(stderr, "%s: warning: %s\n", run->experiment->name, text);
}

static Status read_data(MmlRun *run) {
    u64 seed = (u64)mml_int(&run->settings, "train.seed");
    MmlCache cache = {run->call.cache, run->call.cache_limit, warn, run};
    int created;
    if (!run->call.cache) return mml_data_open(&run->settings, seed, run->threads, &run->data);
    Status status = mml_folder_make(run->call.cache, &created);
    if (status != MML_OK) return mml_context(status, "--cache");
    return mml_data_open_cached(&run->settings, seed, run->threads, &cache, &run->data);
}

static Status open_data(MmlRun *run, const MmlEarlier *earlier) {
    double started = mml_now();
    MML_TRY(read_data(run));
    run->seconds.data = mml_now() - started;
    if (earlier) MML_TRY(mml_earlier_compare_data(earlier, run));
    if (!run->call.eval)
        for (i64 i = 0; i < run->experiment->stage_count; i++) MML_TRY(mml_measures_check(run->data, &run->stages[i]));
    return run->call.predict ? mml_predict_check(run, run->call.predict) : MML_OK;
}

static Status get_ready(MmlRun *run, const MmlEarlier *earlier) {
    int threads = run->call.threads ? (int)run->call.threads : mml_threads_available();
    u64 seed = (u64)mml_int(&run->settings, "train.seed");
    MML_TRY(mml_stage_settings_read(&run->settings, &run->stages));
    MML_TRY(mml_trainer_state(run));
    MML_TRY(mml_trainer_check(run));
    if (writes_folder(&run->call)) MML_TRY(mml_folder_choose(run));
    MML_TRY(mml_threads_new(threads, &run->threads));
    MML_TRY(mml_model_new(run->experiment, seed, needs_second(run), run->threads, run->arena, &run->model));
    MML_TRY(open_data(run, earlier));
    mml_model_ready(&run->model, run->threads);
    return mml_work_new(run->experiment, &run->settings, run->stages, run->threads, run->data, &run->model, run->arena, &run->work);
}

static Status load_init(MmlRun *run) {
    if (!run->call.init) return MML_OK;
    MmlMatch match;
    mml_screen_line(&run->screen, "%-9s %s", "weights", run->call.init);
    MML_TRY(mml_weights_read(run, run->call.init, 0, -1, &match, &run->screen));
    mml_screen_line(&run->screen,
                    "          %lld tensors loaded, %lld not in the file, %lld of another shape, %lld of the file unused", (long long)match.matched,
                    (long long)match.missing, (long long)match.different, (long long)match.unknown);
    if (match.matched) return MML_OK;
    return mml_weights_none(run, "--init", run->call.init, -1);
}

/* ---- A run ---- */

/* The stage that --until names has to lie ahead. */
static Status check_until(const MmlRun *run) {
    const MmlRunState *state = &run->state;
    const MmlStage *stages = run->experiment->stages;
    if (!run->call.until) return MML_OK;
    for (i64 i = 0; i < run->experiment->stage_count && i <= state->stage; i++)
        if (!strcmp(stages[i].name, run->call.until) && (i < state->stage || state->begun))
            return mml_fail(MML_ECALL, "--until: the run in %s has begun stage %s already; leave it out", run->folder, run->call.until);
    return MML_OK;
}

static Status go_on(MmlRun *run, const char *last) {
    MML_TRY(mml_checkpoint_read(run, last));
    MML_TRY(check_until(run));
    run->seconds.train = mml_log_seconds(run->folder, "metrics.jsonl", "seconds");
    run->seconds.loading = mml_log_seconds(run->folder, "metrics.jsonl", "load_seconds");
    run->seconds.probe = mml_log_seconds(run->folder, "probes.jsonl", "seconds");
    run->seconds.total = run->seconds.train + run->seconds.probe;
    const MmlRunState *state = &run->state;
    mml_screen_line(&run->screen, "going on with stage %s, epoch %lld, batch %lld",
                    run->experiment->stages[state->stage].name, (long long)state->at.epoch,
                    (long long)state->batch + 1);
    return MML_OK;
}

static Status start_or_go_on(MmlRun *run, const MmlEarlier *earlier) {
    const char *last = mml_folder_path(run, "last.safetensors");
    if (!last) return MML_ENOMEM;
    MML_TRY(mml_folder_open(run));
    mml_plan_print(run);
    mml_plan_warn(run);
    if (run->call.resume && mml_exists(last)) {
        MML_TRY(go_on(run, last));
    } else {
        if (run->call.resume) mml_screen_line(&run->screen, "no checkpoint in %s: starting over", run->folder);
        Status status = load_init(run);
        if (status != MML_OK) {
            mml_folder_abandon(run);
            return status;
        }
    }
    if (!earlier) MML_TRY(mml_plan_write(run));
    return mml_log_start(&run->log, run->folder, run->state.metrics_lines, run->state.probes_lines, run->state.stage_epochs);
}

/* A finished run's summary stays as it is, times included. */
static Status write_summary(MmlRun *run, const MmlSummary *summary) {
    const char *path = mml_folder_path(run, "summary.json");
    MmlJson json = {.lines = 1}, line = {0};
    if (!path) return MML_ENOMEM;
    mml_summary_json(run, summary, &json);
    mml_summary_json(run, summary, &line);
    Status status = mml_json_status(&json);
    if (status == MML_OK && !mml_exists(path)) status = mml_replace_file(path, json.text, json.used);
    if (status == MML_OK && run->call.json) fputs(line.text, stdout);
    mml_json_free(&json);
    mml_json_free(&line);
    return status;
}

static Status train(MmlRun *run, const MmlEarlier *earlier) {
    double started = mml_now() - run->seconds.data;
    MmlSummary summary;
    MML_TRY(start_or_go_on(run, earlier));
    MML_TRY(mml_trainer_run(run));
    MML_TRY(mml_log_flush(&run->log));
    if (run->state.stage < run->experiment->stage_count) {
        mml_screen_line(&run->screen, "stops before stage %s; to go on: %s --resume %s", run->call.until, run->call.program, run->folder);
        return MML_OK;
    }
    MML_TRY(mml_summary_make(run, 0, &summary));
    run->seconds.total += mml_now() - started;
    MML_TRY(write_summary(run, &summary));
    MML_TRY(mml_report_write(run->folder));
    mml_summary_print(run, &summary);
    return run->call.predict ? mml_predict_write(run, run->call.predict) : MML_OK;
}

static Status run_mode(MmlRun *run, const MmlEarlier *earlier) {
    if (run->call.eval) return mml_mode_eval(run);
    if (!run->call.check && !run->call.overfit_batch) return train(run, earlier);
    mml_plan_print(run);
    mml_plan_warn(run);
    MML_TRY(load_init(run));
    return run->call.check ? mml_mode_check(run) : mml_mode_overfit(run);
}

static Status run_all(MmlRun *run, int argc, char **argv) {
    const MmlExperiment *experiment = run->experiment;
    MML_TRY(check_machine(experiment));
    MML_TRY(mml_settings_new(run->arena, experiment, &run->settings));
    MML_TRY(mml_options_parse(argc, argv, &run->settings, &run->call));
    if (run->call.help) return mml_options_help(stdout, experiment, run->call.program, run->arena);
    if (run->call.version) {
        mml_options_version(stdout, experiment);
        return MML_OK;
    }
    if (mml_sweep_asked(&run->call)) return mml_sweep_run(&run->settings, &run->call);
    if (run->call.jobs) return mml_fail(MML_ECALL, "--jobs: %s holds one run and no sweep; leave it out", run->call.resume);
    run->screen = mml_screen_new(experiment, run->call.quiet, run->call.json);
    MmlEarlier *earlier = NULL;
    mml_interrupt_install();
    Status status = read_settings(run, &earlier);
    if (status == MML_OK) status = get_ready(run, earlier);
    if (status == MML_OK) status = run_mode(run, earlier);
    mml_interrupt_restore();
    mml_earlier_free(earlier);
    return status;
}

/* ---- Ending ---- */

static void tell(const MmlRun *run, Status status) {
    const char *name = run->experiment->name;
    if (status == MML_OK) return;
    if (status == MML_EINTERRUPT) {
        fprintf(stderr, "%s: %s\n", name, mml_message());
        if (run->folder_lock >= 0 || run->call.resume) fprintf(stderr, "%s: to go on: %s --resume %s\n", name, run->call.program, run->folder);
    } else if (status == MML_EBUG) {
        fprintf(stderr, "%s: error: a bug in the trainer: %s; please report it with the program and this line\n", name, mml_message());
    } else {
        fprintf(stderr, "%s: error: %s\n", name, mml_message());
    }
}

/* A descriptor 0 to 2 that is closed when the program starts would go to the
 * next file opened, and what is printed would end up in a log. */
static void hold_standard_streams(void) {
    int descriptor;
    do descriptor = open("/dev/null", O_RDWR);
    while (descriptor >= 0 && descriptor <= 2);
    if (descriptor > 2) close(descriptor);
}

/* What was printed has to have arrived, as far as anything else went well. */
static Status finish_output(Status status) {
    errno = 0;
    int failed = fflush(stdout) != 0;
    int error = errno;
    if ((!failed && !ferror(stdout)) || status != MML_OK) return status;
    return mml_fail(MML_EIO, "cannot write to standard output%s%s", error ? ": " : "", error ? strerror(error) : "");
}

static void release(MmlRun *run) {
    mml_log_close(&run->log);
    mml_folder_release(run);
    mml_work_free(&run->work);
    mml_model_free(&run->model);
    mml_data_close(run->data);
    mml_pages_free_arena(run->threads, run->arena);
    mml_threads_free(run->threads);
}

int mml_main(int argc, char **argv, const MmlExperiment *experiment) { return mml_main_sharing(argc, argv, experiment, NULL); }

int mml_main_sharing(int argc, char **argv, const MmlExperiment *experiment, const MmlShare *share) {
    hold_standard_streams();
    signal(SIGXFSZ, SIG_IGN);                  /* a file over the limit is an error of its write, which is told */
    MmlRun run = {.experiment = experiment, .arena = mml_arena_new(), .log = mml_log_none(experiment), .folder_lock = -1, .share = share};
    Status status = run.arena ? run_all(&run, argc, argv) : MML_ENOMEM;
    mml_screen_progress_end(&run.screen);
    status = finish_output(status);
    tell(&run, status);
    int code = mml_exit_code(status);
    release(&run);
    return code;
}
