#include "pid/kmeans.h"

#include <math.h>
#include <string.h>

/* Lloyd ends when the centres together move by less than this share of the
 * rows' variance (squared distances), the usual setting of the method. */
#define TOLERANCE 1e-4

/* Rows that are compared with a centre together: a block. */
#define LANES 8

typedef struct {
    const float *rows;
    i64     n;
    int     d, k, threads;    /* k: clusters of this restart               */
    float  *lanes;            /* [blocks, d, LANES]: rows, transposed by blocks; the last is filled up with zeros */
    float  *centres;          /* [k, d]                                    */
    i32    *assignment;       /* [n]                                       */
    float  *distance;         /* [n] squared, to the own centre            */
    double *sums;             /* [threads, k, d]                           */
    i64    *counts;           /* [threads, k]                              */
    i64    *changed;          /* [threads]                                 */
    double *inertia;          /* [threads]                                 */
    i64    *chosen;           /* [k] rows that seed the centres            */
    int    *number;           /* [k] of each cluster in the result         */
} KMeans;

/* ---- Distances ----
 * Built for any processor and for AVX2, without FMA, so that both give the same. */

typedef float Floats4 __attribute__((vector_size(16), may_alias));
typedef i32   Ints4   __attribute__((vector_size(16), may_alias));
typedef float Floats8 __attribute__((vector_size(32), may_alias));
typedef i32   Ints8   __attribute__((vector_size(32), may_alias));

/* distances: squared, of a block of rows to one centre. nearest: to the nearest
 * of k, the first of equals, and which it is. */
#define BUILD(name, attribute, floats, ints)                                                                            \
    attribute static void distances_##name(const float *rows, const float *centre, int d, float *distance) {            \
        for (int part = 0; part < LANES; part += (int)(sizeof(floats) / sizeof(float))) {                               \
            floats sum = {0};                                                                                           \
            for (int c = 0; c < d; c++) {                                                                               \
                floats difference = *(const floats *)(rows + c * LANES + part) - centre[c];                             \
                sum += difference * difference;                                                                         \
            }                                                                                                           \
            memcpy(distance + part, &sum, sizeof sum);                                                                  \
        }                                                                                                               \
    }                                                                                                                   \
    attribute static void nearest_##name(const float *rows, const float *centres, int k, int d, float *distance, i32 *nearest) { \
        for (int part = 0; part < LANES; part += (int)(sizeof(floats) / sizeof(float))) {                               \
            floats least = (floats){0} + INFINITY;                                                                      \
            ints winner = {0};                                                                                          \
            for (int j = 0; j < k; j++) {                                                                               \
                floats sum = {0};                                                                                       \
                for (int c = 0; c < d; c++) {                                                                           \
                    floats difference = *(const floats *)(rows + c * LANES + part) - centres[(i64)j * d + c];           \
                    sum += difference * difference;                                                                     \
                }                                                                                                       \
                ints nearer = sum < least;                                                                              \
                least = (floats)((nearer & (ints)sum) | (~nearer & (ints)least));                                       \
                winner = (nearer & j) | (~nearer & winner);                                                             \
            }                                                                                                           \
            memcpy(distance + part, &least, sizeof least);                                                              \
            memcpy(nearest + part, &winner, sizeof winner);                                                             \
        }                                                                                                               \
    }

typedef void (*Distances)(const float *rows, const float *centre, int d, float *distance);
typedef void (*Nearest)(const float *rows, const float *centres, int k, int d, float *distance, i32 *nearest);

BUILD(portable, , Floats4, Ints4)

#if defined(__x86_64__)
BUILD(wide, __attribute__((target("avx2"))), Floats8, Ints8)
static Distances distances_function(void) { return __builtin_cpu_supports("avx2") ? distances_wide : distances_portable; }
static Nearest   nearest_function(void) { return __builtin_cpu_supports("avx2") ? nearest_wide : nearest_portable; }
#else
static Distances distances_function(void) { return distances_portable; }
static Nearest   nearest_function(void) { return nearest_portable; }
#endif

static i64 blocks(const KMeans *m) { return (m->n + LANES - 1) / LANES; }

/* Before the first assignment every row changes. */
static void forget(KMeans *m) {
    for (i64 i = 0; i < m->n; i++) m->assignment[i] = -1;
}

/* ---- Seeding ---- */

typedef struct { KMeans *m; const float *centre; int first; } Nearer;

static void lower_distances(void *context, i64 begin, i64 end, int thread) {
    Nearer *nearer = context;
    KMeans *m = nearer->m;
    Distances distances = distances_function();
    for (i64 block = begin; block < end; block++) {
        float distance[LANES];
        distances(m->lanes + block * m->d * LANES, nearer->centre, m->d, distance);
        for (i64 i = block * LANES; i < (block + 1) * LANES && i < m->n; i++)
            if (nearer->first || distance[i % LANES] < m->distance[i]) m->distance[i] = distance[i % LANES];
    }
}

/* A row with a chance proportional to its distance; -1 when all are 0. */
static i64 far_row(const KMeans *m, MmlRandom *random) {
    double total = 0;
    for (i64 i = 0; i < m->n; i++) total += m->distance[i];
    if (!(total > 0)) return -1;
    double left = mml_random_uniform(random) * total;
    i64 last = -1;
    for (i64 i = 0; i < m->n; i++) {
        if (m->distance[i] == 0) continue;
        last = i;
        left -= m->distance[i];
        if (left < 0) break;
    }
    return last;
}

/* Picks up to k distinct rows; m->k becomes their number. */
static void seed(KMeans *m, int k, MmlRandom *random, MmlThreads *threads) {
    i64 row = (i64)mml_random_below(random, (u64)m->n);
    for (m->k = 0; m->k < k && row >= 0; row = far_row(m, random)) {
        Nearer nearer = {m, m->rows + row * m->d, m->k == 0};
        m->chosen[m->k++] = row;
        mml_parallel(threads, blocks(m), lower_distances, &nearer);
    }
    for (int j = 0; j < m->k; j++)
        memcpy(m->centres + j * m->d, m->rows + m->chosen[j] * m->d, sizeof(float) * (size_t)m->d);
    forget(m);
}

/* ---- Lloyd ---- */

static void assign(void *context, i64 begin, i64 end, int thread) {
    KMeans *m = context;
    double *sums = m->sums + (i64)thread * m->k * m->d;
    i64    *counts = m->counts + (i64)thread * m->k;
    Nearest nearest_centres = nearest_function();
    for (i64 block = begin; block < end; block++) {
        float distance[LANES];
        i32   nearest[LANES];
        nearest_centres(m->lanes + block * m->d * LANES, m->centres, m->k, m->d, distance, nearest);
        for (int r = 0; r < LANES && block * LANES + r < m->n; r++) {
            i64 i = block * LANES + r;
            m->changed[thread] += m->assignment[i] != nearest[r];
            m->assignment[i] = nearest[r];
            m->distance[i] = distance[r];
            m->inertia[thread] += distance[r];
            counts[nearest[r]]++;
            for (int c = 0; c < m->d; c++) sums[nearest[r] * m->d + c] += m->rows[i * m->d + c];
        }
    }
}

static void transpose(KMeans *m) {
    for (i64 i = 0; i < m->n; i++)
        for (int c = 0; c < m->d; c++) m->lanes[(i / LANES * m->d + c) * LANES + i % LANES] = m->rows[i * m->d + c];
}

/* Assigns all rows; sums and counts of all threads end in the first's. Returns how many changed. */
static i64 assign_all(KMeans *m, MmlThreads *threads, double *inertia) {
    i64 sizes = (i64)m->k * m->d, changed = 0;
    memset(m->sums, 0, sizeof(double) * (size_t)(m->threads * sizes));
    memset(m->counts, 0, sizeof(i64) * (size_t)m->threads * (size_t)m->k);
    memset(m->changed, 0, sizeof(i64) * (size_t)m->threads);
    memset(m->inertia, 0, sizeof(double) * (size_t)m->threads);
    mml_parallel(threads, blocks(m), assign, m);
    *inertia = 0;
    for (int thread = 0; thread < m->threads; thread++) {
        changed += m->changed[thread];
        *inertia += m->inertia[thread];
        for (i64 c = 0; c < sizes && thread > 0; c++) m->sums[c] += m->sums[thread * sizes + c];
        for (int j = 0; j < m->k && thread > 0; j++) m->counts[j] += m->counts[(i64)thread * m->k + j];
    }
    return changed;
}

/* The row farthest from its centre that isn't alone in its cluster; -1 when every such row lies on its centre. */
static i64 farthest_row(const KMeans *m) {
    i64 farthest = -1;
    float most = 0;
    for (i64 i = 0; i < m->n; i++)
        if (m->distance[i] > most && m->counts[m->assignment[i]] > 1) {
            most = m->distance[i];
            farthest = i;
        }
    return farthest;
}

/* Gives each empty cluster the farthest row. Returns how many. */
static int reseed(KMeans *m) {
    int moved = 0;
    for (int j = 0; j < m->k; j++) {
        if (m->counts[j] > 0) continue;
        i64 farthest = farthest_row(m);
        if (farthest < 0) break;
        i32 from = m->assignment[farthest];
        for (int c = 0; c < m->d; c++) {
            m->sums[from * m->d + c] -= m->rows[farthest * m->d + c];
            m->sums[j * m->d + c] = m->rows[farthest * m->d + c];
        }
        m->counts[from]--;
        m->counts[j] = 1;
        m->assignment[farthest] = j;
        m->distance[farthest] = 0;
        moved++;
    }
    return moved;
}

/* Moves the centres to the means; returns the sum of squared movements. */
static double update(KMeans *m) {
    double movement = 0;
    for (int j = 0; j < m->k; j++)
        for (int c = 0; c < m->d && m->counts[j] > 0; c++) {
            double mean = m->sums[j * m->d + c] / (double)m->counts[j], step = mean - m->centres[j * m->d + c];
            movement += step * step;
            m->centres[j * m->d + c] = (float)mean;
        }
    return movement;
}

/* Mean over columns of the rows' variance. */
static double variance(const KMeans *m) {
    double total = 0;
    for (int c = 0; c < m->d; c++) {
        double sum = 0, square = 0, shift = m->rows[c];
        for (i64 i = 0; i < m->n; i++) {
            double x = m->rows[i * m->d + c] - shift;
            sum += x;
            square += x * x;
        }
        total += square / (double)m->n - sum / (double)m->n * (sum / (double)m->n);
    }
    return total / m->d;
}

static double lloyd(KMeans *m, int iterations, double tolerance, MmlThreads *threads) {
    double inertia;
    for (int iteration = 0; iteration < iterations; iteration++) {
        i64 changed = assign_all(m, threads, &inertia);
        int reseeded = reseed(m);
        if (changed == 0 && reseeded == 0) return inertia;
        if (update(m) <= tolerance && reseeded == 0) break;
    }
    assign_all(m, threads, &inertia);
    return inertia;
}

/* Renumbers the occupied clusters without gaps. */
static int compact(KMeans *m, i32 *assignment, float *centres) {
    int *number = m->number;
    int used = 0;
    for (int j = 0; j < m->k; j++) number[j] = -1;
    for (i64 i = 0; i < m->n; i++) number[m->assignment[i]] = 0;
    for (int j = 0; j < m->k; j++) {
        if (number[j] < 0) continue;
        for (int c = 0; c < m->d && centres; c++) centres[used * m->d + c] = m->centres[j * m->d + c];
        number[j] = used++;
    }
    for (i64 i = 0; i < m->n; i++) assignment[i] = number[m->assignment[i]];
    return used;
}

static Status check(const float *rows, i64 n, int d, MmlKMeansOptions options) {
    if (n < 1 || d < 1 || options.clusters < 1 || options.restarts < 1 || options.iterations < 1)
        return mml_fail(MML_EINPUT, "k-means needs rows, columns, clusters, restarts and iterations, not %lld, %d, %d, %d, %d",
                        (long long)n, d, options.clusters, options.restarts, options.iterations);
    return MML_OK;
}

static Status kmeans_new(const float *rows, i64 n, int d, int k, MmlThreads *threads, MmlArena *arena, KMeans *m) {
    *m = (KMeans){.rows = rows, .n = n, .d = d, .k = k, .threads = mml_threads_count(threads)};
    m->centres = MML_NEW(arena, float, (i64)k * d);
    m->assignment = MML_NEW(arena, i32, n);
    m->distance = MML_NEW(arena, float, n);
    m->sums = MML_NEW(arena, double, (i64)m->threads * k * d);
    m->counts = MML_NEW(arena, i64, (i64)m->threads * k);
    m->changed = MML_NEW(arena, i64, m->threads);
    m->inertia = MML_NEW(arena, double, m->threads);
    m->chosen = MML_NEW(arena, i64, k);
    m->number = MML_NEW(arena, int, k);
    if (!m->centres || !m->assignment || !m->distance || !m->sums || !m->counts || !m->changed || !m->inertia || !m->chosen || !m->number)
        return MML_ENOMEM;
    return MML_OK;
}

/* The rows by blocks; all workers share them. */
static Status lanes_new(KMeans *m, MmlArena *arena) {
    m->lanes = MML_NEW(arena, float, blocks(m) * m->d * LANES);
    if (!m->lanes) return MML_ENOMEM;
    transpose(m);
    return MML_OK;
}

/* ---- Restarts ----
 * Each has a random stream of its own. With as many restarts as threads each
 * thread runs some of them, rows and all; else the threads share the rows. */

typedef struct {
    KMeans  m;
    int     clusters;         /* 0: no restart is done                     */
    double  inertia;          /* of the best so far, as the following      */
    i32    *assignment;       /* [n]                                       */
    float  *centres;          /* [k, d]                                    */
} Worker;

typedef struct {
    Worker          *workers;
    MmlKMeansOptions options;
    MmlThreads      *rows_by;      /* NULL: one thread has all rows        */
    u64              seed;
    double           tolerance;
} Restarts;

static void run_restarts(void *context, i64 begin, i64 end, int thread) {
    Restarts *r = context;
    Worker *w = &r->workers[thread];
    for (i64 restart = begin; restart < end; restart++) {
        MmlRandom random = mml_random(r->seed, MML_STREAM_PROBE, (u64)restart, 0);
        seed(&w->m, r->options.clusters, &random, r->rows_by);
        double inertia = lloyd(&w->m, r->options.iterations, r->tolerance, r->rows_by);
        if (w->clusters > 0 && !(inertia < w->inertia)) continue;
        w->inertia = inertia;
        w->clusters = compact(&w->m, w->assignment, w->centres);
    }
}

static Status cluster(const float *rows, i64 n, int d, MmlKMeansOptions options, MmlRandom *random, MmlThreads *threads,
                      MmlArena *arena, i32 *assignment, float *centres, int *clusters, double *inertia) {
    MML_TRY(check(rows, n, d, options));
    int count = mml_threads_count(threads), apart = options.restarts >= count;
    u64 first = mml_random_u32(random), second = mml_random_u32(random);
    Restarts r = {MML_NEW(arena, Worker, apart ? count : 1), options, apart ? NULL : threads, first << 32 | second, 0};
    if (!r.workers) return MML_ENOMEM;
    for (int w = 0; w < (apart ? count : 1); w++) {
        Worker *worker = &r.workers[w];
        MML_TRY(kmeans_new(rows, n, d, options.clusters, r.rows_by, arena, &worker->m));
        worker->assignment = MML_NEW(arena, i32, n);
        worker->centres = MML_NEW(arena, float, (i64)options.clusters * d);
        if (!worker->assignment || !worker->centres) return MML_ENOMEM;
        if (w == 0) MML_TRY(lanes_new(&worker->m, arena));
        worker->m.lanes = r.workers->m.lanes;
    }
    r.tolerance = TOLERANCE * variance(&r.workers->m);
    if (apart) mml_parallel(threads, options.restarts, run_restarts, &r);
    else run_restarts(&r, 0, options.restarts, 0);
    const Worker *best = r.workers;
    for (int w = 1; w < (apart ? count : 1); w++)
        if (r.workers[w].inertia < best->inertia) best = &r.workers[w];
    memcpy(assignment, best->assignment, sizeof(i32) * (size_t)n);
    if (centres) memcpy(centres, best->centres, sizeof(float) * (size_t)best->clusters * (size_t)d);
    *clusters = best->clusters;
    if (inertia) *inertia = best->inertia;
    return MML_OK;
}

Status mml_kmeans(const float *rows, i64 n, int d, MmlKMeansOptions options, MmlRandom *random,
                  MmlThreads *threads, MmlArena *arena, i32 *assignment, float *centres, int *clusters, double *inertia) {
    MmlArenaMark mark = mml_arena_mark(arena);
    Status status = cluster(rows, n, d, options, random, threads, arena, assignment, centres, clusters, inertia);
    mml_arena_release(arena, mark);
    return status;
}

static Status cluster_from(const float *rows, i64 n, int d, MmlKMeansOptions options, MmlThreads *threads,
                           MmlArena *arena, i32 *assignment, float *centres, int *clusters) {
    KMeans m;
    MML_TRY(check(rows, n, d, options));
    MML_TRY(kmeans_new(rows, n, d, options.clusters, threads, arena, &m));
    MML_TRY(lanes_new(&m, arena));
    memcpy(m.centres, centres, sizeof(float) * (size_t)options.clusters * (size_t)d);
    forget(&m);
    lloyd(&m, options.iterations, TOLERANCE * variance(&m), threads);
    *clusters = compact(&m, assignment, centres);
    return MML_OK;
}

Status mml_kmeans_from(const float *rows, i64 n, int d, MmlKMeansOptions options,
                       MmlThreads *threads, MmlArena *arena, i32 *assignment, float *centres, int *clusters) {
    MmlArenaMark mark = mml_arena_mark(arena);
    Status status = cluster_from(rows, n, d, options, threads, arena, assignment, centres, clusters);
    mml_arena_release(arena, mark);
    return status;
}

Status mml_kmeans_assign(const float *rows, i64 n, int d, const float *centres, int clusters, i32 *assignment) {
    if (n < 0 || d < 1 || clusters < 1)
        return mml_fail(MML_EINPUT, "assigning rows needs columns and clusters, not %d and %d", d, clusters);
    for (i64 i = 0; i < n; i++) {
        float least = INFINITY;
        assignment[i] = 0;
        for (int j = 0; j < clusters; j++) {
            float distance = 0;
            for (int c = 0; c < d; c++) {
                float difference = rows[i * d + c] - centres[(i64)j * d + c];
                distance += difference * difference;
            }
            if (!(distance < least)) continue;
            least = distance;
            assignment[i] = j;
        }
    }
    return MML_OK;
}
