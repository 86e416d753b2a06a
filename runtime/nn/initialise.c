#include "mml/nn.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "mml/pages.h"

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

/* Numbers that a thread draws at a time, an even number: 0.2 ms. */
#define PIECE 65536

struct MmlInitialisation {
    const MmlExperiment *experiment;
    u64                  seed;
    float               *parameters;
    pthread_mutex_t      lock;             /* over what comes next                          */
    i64                  parameter, first; /* the next piece begins here, in this parameter */
    atomic_bool          stop;
    pthread_t            handle;
    int                  started;          /* a thread of its own draws                     */
};

/* ---- Pieces ---- */

typedef struct { i64 parameter, first, count; } Piece;

/* The next one, or false. */
static int take(MmlInitialisation *i, Piece *piece) {
    const MmlExperiment *experiment = i->experiment;
    pthread_mutex_lock(&i->lock);
    while (i->parameter < experiment->parameter_count && deviation_of(&experiment->parameters[i->parameter]) <= 0.0) i->parameter++;
    int any = i->parameter < experiment->parameter_count;
    if (any) {
        i64 left = experiment->parameters[i->parameter].count - i->first;
        *piece = (Piece){i->parameter, i->first, left < PIECE ? left : PIECE};
        i->first += piece->count;
        if (piece->count == left) {
            i->parameter++;
            i->first = 0;
        }
    }
    pthread_mutex_unlock(&i->lock);
    return any;
}

static void draw(MmlInitialisation *i) {
    Piece piece;
    while (!atomic_load(&i->stop) && take(i, &piece)) {
        const MmlParameter *p = &i->experiment->parameters[piece.parameter];
        float *values = i->parameters + p->offset + piece.first;
        MmlRandom stream = mml_random(i->seed, MML_STREAM_INIT, (u64)piece.parameter, 0);
        if (piece.count == PIECE) mml_pages_fill(NULL, values, PIECE * sizeof *values);
        mml_random_normals(&stream, deviation_of(p), piece.first, piece.count, values);
    }
}

static void draw_with_others(void *context, i64 begin, i64 end, int thread) { draw(context); }

/* Less than this much left isn't worth waking the others. */
static int worth_sharing(MmlInitialisation *i) {
    pthread_mutex_lock(&i->lock);
    i64 left = -i->first;
    for (i64 p = i->parameter; p < i->experiment->parameter_count && left <= PIECE; p++)
        if (deviation_of(&i->experiment->parameters[p]) > 0.0) left += i->experiment->parameters[p].count;
    pthread_mutex_unlock(&i->lock);
    return left > PIECE;
}

/* ---- Beginning ---- */

static void fill(float *values, i64 count, double value) {
    for (i64 i = 0; i < count; i++) values[i] = (float)value;
}

/* All but what is drawn. */
static void fill_constants(const MmlExperiment *experiment, float *parameters, float *statistics) {
    for (i64 i = 0; i < experiment->parameter_count; i++) {
        const MmlParameter *p = &experiment->parameters[i];
        if (deviation_of(p) <= 0.0) fill(parameters + p->offset, p->count, centre_of(p));
    }
    for (i64 i = 0; i < experiment->statistic_count; i++) {
        const MmlStatistic *s = &experiment->statistics[i];
        fill(statistics + s->offset, s->count, s->start);
    }
}

static void prepare(MmlInitialisation *out, const MmlExperiment *experiment, u64 seed, float *parameters, float *statistics) {
    *out = (MmlInitialisation){.experiment = experiment, .seed = seed, .parameters = parameters};
    pthread_mutex_init(&out->lock, NULL);
    fill_constants(experiment, parameters, statistics);
}

static void *draw_alone(void *initialisation) {
    draw(initialisation);
    return NULL;
}

Status mml_initialise_begin(const MmlExperiment *experiment, u64 seed, const MmlThreads *threads, float *parameters, float *statistics,
                            MmlInitialisation **out) {
    MmlInitialisation *i = *out = malloc(sizeof *i);
    if (!i) return mml_fail(MML_ENOMEM, "out of memory for initial weights");
    prepare(i, experiment, seed, parameters, statistics);
    /* Without the thread the end draws everything. */
    if (mml_threads_count(threads) > 1 && worth_sharing(i)) i->started = mml_thread_start(&i->handle, draw_alone, i) == 0;
    return MML_OK;
}

/* ---- Ending ---- */

static void finish(MmlInitialisation *i, MmlThreads *threads) {
    mml_parallel(worth_sharing(i) ? threads : NULL, mml_threads_count(threads), draw_with_others, i);
}

static void dispose(MmlInitialisation *i) {
    if (i->started) pthread_join(i->handle, NULL);
    pthread_mutex_destroy(&i->lock);
}

void mml_initialise_end(MmlInitialisation *i, MmlThreads *threads) {
    if (!i) return;
    finish(i, threads);
    dispose(i);
    free(i);
}

void mml_initialise_abandon(MmlInitialisation *i) {
    if (!i) return;
    atomic_store(&i->stop, 1);
    dispose(i);
    free(i);
}

void mml_initialise(const MmlExperiment *experiment, u64 seed, MmlThreads *threads, float *parameters, float *statistics) {
    MmlInitialisation i;
    prepare(&i, experiment, seed, parameters, statistics);
    finish(&i, threads);
    dispose(&i);
}
