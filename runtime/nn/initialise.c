#include <math.h>

#include "mml/nn.h"

/* Kaiming: He et al. 2015; Xavier: Glorot & Bengio 2010; both normal. */
static double deviation_of(const MmlParameter *p) {
    switch (p->init) {
    case MML_INIT_KAIMING_OUT: return sqrt(2.0 / (double)p->fan_out);
    case MML_INIT_KAIMING_IN:  return sqrt(2.0 / (double)p->fan_in);
    case MML_INIT_XAVIER:      return sqrt(2.0 / (double)(p->fan_in + p->fan_out));
    default:                   return 0.0;
    }
}

static double centre_of(const MmlParameter *p) {
    if (p->init == MML_INIT_ONE) return 1.0;
    return p->init == MML_INIT_CONSTANT ? p->init_value : 0.0;
}

/* Below this many pairs waking a thread costs more than it saves. */
#define SERIAL_PAIRS 2048

typedef struct { MmlRandom stream; double deviation; i64 count; float *values; } Draw;

static void draw_pairs(void *context, i64 begin, i64 end, int thread) {
    const Draw *draw = context;
    i64 first = 2 * begin, last = 2 * end < draw->count ? 2 * end : draw->count;
    mml_random_normals(&draw->stream, draw->deviation, first, last - first, draw->values + first);
}

static void fill_normal(float *values, i64 count, double deviation, MmlRandom stream, MmlThreads *threads) {
    Draw draw = {stream, deviation, count, values};
    i64 pairs = (count + 1) / 2;
    mml_parallel(pairs < SERIAL_PAIRS ? NULL : threads, pairs, draw_pairs, &draw);
}

static void fill(float *values, i64 count, double value) {
    for (i64 i = 0; i < count; i++) values[i] = (float)value;
}

void mml_initialise(const MmlExperiment *experiment, u64 seed, MmlThreads *threads, float *parameters, float *statistics) {
    for (i64 i = 0; i < experiment->parameter_count; i++) {
        const MmlParameter *p = &experiment->parameters[i];
        double deviation = deviation_of(p);
        if (deviation > 0.0)
            fill_normal(parameters + p->offset, p->count, deviation, mml_random(seed, MML_STREAM_INIT, (u64)i, 0), threads);
        else
            fill(parameters + p->offset, p->count, centre_of(p));
    }
    for (i64 i = 0; i < experiment->statistic_count; i++) {
        const MmlStatistic *s = &experiment->statistics[i];
        fill(statistics + s->offset, s->count, s->start);
    }
}
