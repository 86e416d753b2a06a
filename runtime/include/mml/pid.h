/* Partial information decomposition (Bertschinger et al. 2014) of a joint
 * table and of samples. Information in bits.
 */
#ifndef MML_PID_H
#define MML_PID_H

#include "mml/base.h"
#include "mml/threads.h"

#define MML_PID_SOURCES 16

/* P(x1 … xk, y), row-major, y fastest. Any non-negative finite weights with a
 * positive sum. */
typedef struct {
    int           sources;                   /* k >= 2          */
    int           bins[MML_PID_SOURCES];     /* of each source  */
    int           labels;                    /* bins of y       */
    const double *p;
} MmlTable;

typedef enum { MML_PID_NEWTON, MML_PID_ADAM } MmlPidSolver;
typedef enum { MML_PID_ANALYTIC, MML_PID_UNIFORM, MML_PID_GAUSSIAN } MmlPidStart;

typedef struct {
    MmlPidSolver solver;
    /* adam, the published FastPID (paper, Algorithm 2) */
    int          iterations;  double lr, tolerance;  int sinkhorn;  MmlPidStart start;
    u64          seed;
} MmlPidOptions;

typedef struct {
    double redundancy, synergy;              /* k > 2: co-redundancy and I(X1…Xk;Y) - union information (pid.md 6) */
    double unique[MML_PID_SOURCES], mutual[MML_PID_SOURCES];
    double total, entropy;                   /* I(X1…Xk;Y), H(Y) */
    double gap;                              /* certified: F - D of the union information */
    double residual;                         /* L1 of the marginals of q */
    int    iterations;
    double seconds;
    double *q;                               /* [same shape] feasible primal, in arena; NULL on request */
    double *dual;                            /* a(x1,y) …, all sources one behind the other, nats, feasible */
} MmlPid;

MmlPidOptions mml_pid_defaults(void);

/* Fails with MML_EINPUT (negative, NaN, all-zero) or MML_ENUMERIC. Reentrant. */
Status mml_pid_solve(const MmlTable *table, const MmlPidOptions *options, MmlArena *arena, MmlPid *out);

/* ---- A probe: from features to the decomposition (pid.md 4, 5) ---- */

typedef enum { MML_BINS_KMEANS, MML_BINS_QUANTILE, MML_BINS_ARGMAX } MmlBins;
typedef enum { MML_ADJUSTED, MML_PLUGIN } MmlEstimator;

typedef struct {
    MmlBins       bins;
    int           k, pca, restarts, normalize;   /* kmeans: normalize 1 = L2; quantile: k    */
    MmlEstimator  estimator;
    MmlPidOptions solver;
    int           mutual_only;                   /* 1: mutual_information(…), no PID          */
    u64           seed;                          /* the probe's own                           */
    i64           epoch;                         /* for the streams                           */
} MmlProbeOptions;

typedef struct {
    MmlPid  pid;                                 /* plug-in atoms                             */
    double  synergy, synergy_plugin, synergy_error;
    i64     occupied;                            /* cells of the table with a sample          */
    i64     samples;
    int     bins[MML_PID_SOURCES];
    double  seconds;
} MmlProbeResult;

/* features[m]: [n, width[m]] (argmax: the heads' logits, width = classes); labels[n] in [0, classes). */
Status mml_probe(const MmlProbeOptions *options, int modalities, i64 n,
                 const float *const *features, const int *width, const i64 *labels, int classes,
                 MmlThreads *threads, MmlArena *arena, MmlProbeResult *out);

#endif
