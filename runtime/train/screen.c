#include "train/screen.h"

#include "train/run.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define REDRAW 0.1            /* seconds between two drawings of the bar */

double mml_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

MmlScreen mml_screen_new(const MmlExperiment *experiment, int quiet, int json) {
    FILE *out = quiet ? NULL : json ? stderr : stdout;
    return (MmlScreen){.experiment = experiment, .out = out, .terminal = out && isatty(fileno(out))};
}

void mml_screen_line(MmlScreen *screen, const char *format, ...) {
    if (!screen->out) return;
    va_list arguments;
    va_start(arguments, format);
    vfprintf(screen->out, format, arguments);
    va_end(arguments);
    fputc('\n', screen->out);
    fflush(screen->out);
}

const char *mml_percent(double share, char text[16]) {
    if (isnan(share)) snprintf(text, 16, "–");
    else snprintf(text, 16, "%.1f %%", 100 * share);
    return text;
}

static void put_heads(const MmlScreen *screen, const double *accuracy) {
    char text[16];
    for (i64 m = 0; m < screen->experiment->modality_count; m++)
        fprintf(screen->out, "%s%s %s", m ? ", " : "", screen->experiment->modalities[m].name, mml_percent(accuracy[m], text));
}

static void put_split(const MmlScreen *screen, const MmlStage *stage, MmlSplit split, const MmlMetrics *metrics) {
    char text[16];
    if (!metrics->samples) return;
    fprintf(screen->out, "  | %s ", mml_split_name(split));
    if (stage->kind == MML_STAGE_UNIMODAL) {
        put_heads(screen, metrics->head_accuracy);
        return;
    }
    fputs(mml_percent(metrics->accuracy, text), screen->out);
    if (split == MML_TRAIN) return;
    fputs(" (", screen->out);
    put_heads(screen, metrics->head_accuracy);
    fputs(")", screen->out);
}

void mml_screen_epoch(MmlScreen *screen, const MmlStage *stage, i64 epoch, i64 epochs, const MmlMetrics *metrics, double rate) {
    if (!screen->out) return;
    double seconds = 0;
    for (int split = 0; split < MML_SPLITS; split++) seconds += metrics[split].seconds;
    char loss[32] = "–";
    if (!isnan(metrics[MML_TRAIN].loss)) snprintf(loss, sizeof loss, "%.4f", metrics[MML_TRAIN].loss);
    fprintf(screen->out, "%s %lld/%lld  loss %s", stage->name, (long long)epoch, (long long)epochs, loss);
    for (int split = 0; split < MML_SPLITS; split++) put_split(screen, stage, split, &metrics[split]);
    mml_screen_line(screen, "  | lr %g  %.1f s", rate, seconds);
}

static void put_atoms(const MmlScreen *screen, const MmlProbeLine *probe) {
    const MmlProbeResult *r = probe->result;
    const MmlExperiment *experiment = screen->experiment;
    if (!probe->settings->options.mutual_only) {
        fprintf(screen->out, "redundancy %.3f, unique", r->pid.redundancy);
        for (i64 m = 0; m < experiment->modality_count; m++) fprintf(screen->out, " %s %.3f",
                                                                     experiment->modalities[m].name, r->pid.unique[m]);
        fprintf(screen->out, ", synergy %.3f", r->synergy);
        if (r->synergy != r->synergy_plugin) fprintf(screen->out, " ± %.3f (plug-in %.3f)", r->synergy_error, r->synergy_plugin);
        return;
    }
    fputs("mutual", screen->out);
    for (i64 m = 0; m < experiment->modality_count; m++) fprintf(screen->out, " %s %.3f", experiment->modalities[m].name,
                                                                 r->pid.mutual[m]);
}

void mml_screen_probe(MmlScreen *screen, const MmlProbeLine *probe, i64 epochs) {
    if (!screen->out) return;
    fprintf(screen->out, "%s %lld/%lld  %s: ", probe->stage->name, (long long)probe->epoch, (long long)epochs, probe->settings->name);
    put_atoms(screen, probe);
    mml_screen_line(screen, " bit  | %lld samples  %.1f s", (long long)probe->result->samples, probe->seconds);
}

void mml_screen_decision(MmlScreen *screen, const MmlStage *stage, i64 epoch, const MmlRule *rule, const MmlRuleLog *log) {
    if (!screen->out || !rule || !mml_rule_log_any(log)) return;
    for (i64 i = 0; i < log->said_count; i++)
        mml_screen_line(screen, "%s %lld  %s says: %s", stage->name, (long long)epoch, rule->name, log->said[i]);
    if (log->action_count) {
        fprintf(screen->out, "%s %lld  %s:", stage->name, (long long)epoch, rule->name);
        for (i64 i = 0; i < log->action_count; i++) fprintf(screen->out, "%s %s", i ? "," : "", log->actions[i]);
        mml_screen_line(screen, "%s", "");
    }
    if (log->finish) mml_screen_line(screen, "%s %lld  %s ends the stage: %s", stage->name, (long long)epoch, rule->name, log->finish);
}

/* ---- The bar ---- */

void mml_screen_progress_begin(MmlScreen *screen, const char *stage, i64 epoch, i64 epochs, i64 count, i64 done) {
    screen->stage = stage;
    screen->epoch = epoch;
    screen->epochs = epochs;
    screen->count = count;
    screen->first = done;
    screen->begun = mml_now();
    screen->shown = 0;
}

void mml_screen_progress(MmlScreen *screen, i64 done) {
    if (!screen->terminal) return;
    double now = mml_now(), passed = now - screen->begun;
    if (now - screen->shown < REDRAW || passed <= 0 || done <= screen->first) return;
    screen->shown = now;
    char bar[] = "....................";
    int width = (int)sizeof bar - 1;
    memset(bar, '#', (size_t)(width * done / screen->count));
    double speed = (double)(done - screen->first) / passed;
    i64 left = (screen->epochs - screen->epoch) * screen->count + screen->count - done;
    i64 seconds = (i64)((double)left / speed + 0.5);
    fprintf(screen->out, "\r\033[K%s %lld/%lld [%s] %.0f samples/s, %lld:%02lld left in this stage at most", screen->stage,
            (long long)screen->epoch, (long long)screen->epochs, bar, speed, (long long)(seconds / 60), (long long)(seconds % 60));
    fflush(screen->out);
}

void mml_screen_progress_end(MmlScreen *screen) {
    if (!screen->terminal || screen->shown == 0) return;
    fputs("\r\033[K", screen->out);
    fflush(screen->out);
}
