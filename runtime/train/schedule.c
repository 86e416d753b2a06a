#include "train/schedule.h"

#include <math.h>
#include <string.h>

static MmlLength read_length(const MmlSettings *settings, const char *path) {
    const MmlSetting *setting = mml_setting_find(settings->experiment, path);
    return (MmlLength){.count = mml_int(settings, "%s", path), .steps = setting && setting->type == MML_STEPS};
}

/* The schedule proper at path ("train.joint.schedule" or its ".then"). */
static void read_kind(const MmlSettings *settings, const char *path, MmlSchedule *out) {
    const char *kind = mml_word(settings, "%s", path);
    const char *length = NULL;
    if (!strcmp(kind, "step")) {
        out->kind = MML_STEP_RATE;
        out->gamma = mml_real(settings, "%s.gamma", path);
        length = mml_arena_format(settings->arena, "%s.every", path);
    } else if (!strcmp(kind, "cosine")) {
        out->kind = MML_COSINE_RATE;
        out->floor = mml_has(settings, "%s.floor", path) ? mml_real(settings, "%s.floor", path) : 0;
        length = mml_arena_format(settings->arena, "%s.over", path);
    }
    if (length) out->length = read_length(settings, length);
}

MmlSchedule mml_schedule_read(const MmlSettings *settings, const char *stage) {
    MmlSchedule schedule = {.kind = MML_CONSTANT_RATE, .gamma = 1};
    const char *path = mml_arena_format(settings->arena, "%s.schedule", stage);
    if (!path || !mml_has(settings, "%s", path)) return schedule;
    if (mml_has(settings, "%s.clock", path)) schedule.modality_clock = !strcmp(mml_word(settings, "%s.clock", path), "modality");
    if (strcmp(mml_word(settings, "%s", path), "warmup")) {
        read_kind(settings, path, &schedule);
        return schedule;
    }
    const char *length = mml_arena_format(settings->arena, "%s.epochs", path);
    const char *then = mml_arena_format(settings->arena, "%s.then", path);
    if (!length || !then) return schedule;
    schedule.warmup = read_length(settings, length);
    if (mml_has(settings, "%s", then)) read_kind(settings, then, &schedule);
    return schedule;
}

double mml_schedule_rate(const MmlSchedule *schedule, double rate, MmlClock clock, i64 steps_per_epoch) {
    i64 warm = schedule->warmup.steps ? schedule->warmup.count : schedule->warmup.count * steps_per_epoch;
    if (clock.steps < warm) return rate * (double)(clock.steps + 1) / (double)warm;
    i64 warm_epochs = schedule->warmup.steps && steps_per_epoch ? schedule->warmup.count / steps_per_epoch : schedule->warmup.count;
    i64 length = schedule->length.count;
    i64 time = schedule->length.steps ? clock.steps - warm : clock.epochs - warm_epochs;
    if (time < 0) time = 0;
    switch (schedule->kind) {
        case MML_STEP_RATE:
            return length > 0 ? rate * pow(schedule->gamma, (double)(time / length)) : rate;
        case MML_COSINE_RATE:
            if (time >= length) return schedule->floor;
            return schedule->floor + (rate - schedule->floor) * (1 + cos(M_PI * (double)time / (double)length)) / 2;
        default:
            return rate;
    }
}
