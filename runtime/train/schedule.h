/* Learning-rate schedules.
 *
 * A clock counts what has been trained before the coming batch: whole epochs
 * and batches. step: rate · gamma^(epochs div every) (StepLR, fixture
 * schedule.steplr). cosine: floor + (rate - floor)(1 + cos(pi t / over)) / 2,
 * floor from t = over on. warmup: a straight line from rate / n at the first
 * batch to rate at the n-th, then another schedule whose clock starts there.
 * Lengths are in epochs or in steps (batches), by their unit.
 */
#ifndef TRAIN_SCHEDULE_H
#define TRAIN_SCHEDULE_H

#include "mml/settings.h"

typedef enum { MML_CONSTANT_RATE, MML_STEP_RATE, MML_COSINE_RATE } MmlRateKind;

typedef struct { i64 count; int steps; } MmlLength;        /* steps 1: batches, 0: epochs */

typedef struct {
    MmlRateKind kind;
    MmlLength   length;              /* step: every; cosine: over                        */
    double      gamma, floor;
    MmlLength   warmup;              /* count 0: none                                    */
    int         modality_clock;      /* each group's rate follows its own trained epochs */
} MmlSchedule;

typedef struct { i64 epochs, steps; } MmlClock;

/* Reads PATH.schedule …; PATH is a stage. */
MmlSchedule mml_schedule_read(const MmlSettings *settings, const char *stage);

/* The rate of the coming batch. steps_per_epoch turns a warmup in epochs into batches. */
double mml_schedule_rate(const MmlSchedule *schedule, double rate, MmlClock clock, i64 steps_per_epoch);

#endif
