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

/* NEWTON is the certified solver and needs no option. ADAM is the published
 * FastPID (paper, Algorithm 2), for two sources; its answer isn't certified and
 * q leaves the feasible set by `residual`. */
typedef struct {
    MmlPidSolver solver;
    int          iterations;                 /* adam: at most                                       */
    double       lr;
    double       tolerance;                  /* stops when max |q - previous q| is below it         */
    int          relative;                   /* 1: the tolerance counts in units of max q           */
    int          sinkhorn;                   /* sweeps of each projection; with `until` at most     */
    double       until;                      /* > 0: a projection ends at this L1 marginal residual */
    MmlPidStart  start;
    u64          seed;                       /* of the gaussian start                               */
    const struct MmlFastPidCode *code;       /* adam: made for the table's sizes, or NULL           */
} MmlPidOptions;

/* Two sources: the atoms of Bertschinger et al.; unique[0] + redundancy =
 * mutual[0], unique[1] + redundancy = mutual[1], all four add up to total.
 * More (pid.md 6): with I_u the union information, synergy = total - I_u,
 * unique[k] = I_u(all) - I_u(all but k), redundancy = sum of mutual - I_u(all),
 * the co-redundancy. */
typedef struct {
    double redundancy, synergy;
    double unique[MML_PID_SOURCES], mutual[MML_PID_SOURCES];
    double total, entropy;                   /* I(X1…Xk;Y), H(Y) */
    double gap;                              /* certified: each I_u is right to gap / 2 (the largest of all
                                                solved); NaN for adam, which certifies nothing */
    double residual;                         /* L1 of the marginals of q against those of P */
    int    iterations;                       /* of the solve of all sources */
    int    converged;                        /* 0: adam ended by its number of iterations, not its tolerance */
    double seconds;
    double *q;                               /* [shape of the table] in arena: the optimal Q; newton: feasible */
    double *dual;                            /* newton: u(x1,y) …, [bins][labels] of each source, one behind the
                                                other, nats, in arena; NULL for adam. Feasible: for every tuple
                                                log sum_y exp(u(x1,y) + … + u(xk,y)) <= 0. Where p(xk,y) = 0 it
                                                is -1000, standing for minus infinity; elsewhere at most 0. */
} MmlPid;

/* newton; 2000 iterations, lr 0.1, tolerance 1e-5, 10 sweeps, analytic start. */
MmlPidOptions mml_pid_defaults(void);

/* options: NULL for the defaults. q and dual live in arena, scratch is released
 * on return. Cells below 1e-15 of the normalised table count as zero. Fails with
 * MML_EINPUT (a negative or non-finite weight, named; an all-zero or too large
 * table; a solver that there isn't; adam with more than two sources or wrong options; a NULL argument) or
 * MML_ENUMERIC (no certified gap of 1e-9 bit), or MML_EINTERRUPT. Reentrant. */
Status mml_pid_solve(const MmlTable *table, const MmlPidOptions *options, MmlArena *arena, MmlPid *out);

/* Derivatives of the atoms (bits) by each cell of the normalised table, from a
 * newton result of the same table with two sources: out[4][cells], rows
 * redundancy, unique 1, unique 2, synergy. Each row g is shifted so that
 * <P, g> = 0, which makes it the derivative by unnormalised weights of sum 1.
 * Zero cells of P are masked: 0. Where the optimal dual isn't unique it is a
 * subgradient. Fails with MML_EINPUT for other results. */
Status mml_pid_gradient(const MmlTable *table, const MmlPid *pid, MmlArena *arena, double *out);

/* ---- Estimation: the table is a sample (pid.md 5) ----
 *
 * counts->p holds numbers of samples, exact up to 2^53 of them, and pid is
 * mml_pid_solve's answer for it. Costs depend on the cells, not on the samples.
 * Random streams are named by seed and draw, so that threads change nothing.
 * All fail with MML_EINPUT on weights that aren't whole numbers and as
 * mml_pid_solve does; scratch is released on return.
 */

/* What permuting every source but the first among the samples of each label
 * leaves: x1 … xk independent given y, all pair marginals kept. */
typedef struct {
    double synergy;        /* adjusted: pid's less what the shuffles have of it; may be below 0 */
    double error;          /* standard deviation of the plug-in synergy over the shuffles       */
    double mean, quantile; /* of the plug-in synergy over the shuffles; 95 %                    */
    double p;              /* (1 + shuffles with at least pid's synergy) / (1 + shuffles)       */
    i64    samples;
} MmlPidNull;

/* shuffles >= 2; 10 do for the adjusted synergy, a p-value needs 100 and more. No further solve. */
Status mml_pid_null(const MmlTable *counts, const MmlPid *pid, int shuffles, u64 seed,
                    MmlThreads *threads, MmlArena *arena, MmlPidNull *out);

/* 2 X(n) - X(n / 2), X(n / 2) the mean over two random halves: two further solves.
 * Halves the bias of redundancy and unique information. n >= 2. */
typedef struct { double redundancy, unique[MML_PID_SOURCES]; } MmlPidHalved;
Status mml_pid_halved(const MmlTable *counts, const MmlPid *pid, const MmlPidOptions *options, u64 seed,
                      MmlArena *arena, MmlPidHalved *out);

/* 95 % intervals, cut at 0, from random halves of the samples, each a solve:
 * X -+ 1.96 standard deviations of X(n / 2), which without replacement spreads
 * as X(n) does. Redundancy and unique information around 2 X(n) - mean X(n / 2),
 * synergy around the adjusted value: the error of sampling, not what bias the
 * estimators keep. resamples >= 2; 100 give the ends to 7 %. */
typedef struct { double low, high; } MmlInterval;
typedef struct { MmlInterval redundancy, synergy, unique[MML_PID_SOURCES]; } MmlPidIntervals;
Status mml_pid_bootstrap(const MmlTable *counts, const MmlPid *pid, const MmlPidOptions *options, int resamples, u64 seed,
                         MmlThreads *threads, MmlArena *arena, MmlPidIntervals *out);

/* ---- A probe: from features to the decomposition (pid.md 4, 5) ---- */

typedef enum { MML_BINS_KMEANS, MML_BINS_QUANTILE, MML_BINS_ARGMAX } MmlBins;
typedef enum { MML_ADJUSTED, MML_PLUGIN } MmlEstimator;

typedef struct {
    MmlBins       bins;
    int           k;                         /* kmeans, quantile: bins at most                */
    int           pca, restarts, normalize;  /* kmeans: components (0: none), 1 = L2 of rows  */
    MmlEstimator  estimator;
    MmlPidOptions solver;
    int           mutual_only;               /* 1: mutual_information(…), no PID              */
    u64           seed;                      /* the probe's own                               */
    i64           epoch;                     /* for the streams                               */
    float *const *clusters;                  /* kmeans: [modalities] where the clusters go (see below), each
                                                may be NULL; NULL: nowhere                    */
} MmlProbeOptions;

typedef struct {
    MmlPid  pid;                             /* plug-in atoms; mutual_only: mutual, total, entropy */
    double  synergy;                         /* by the estimator chosen; may be below 0 when adjusted */
    double  synergy_plugin;                  /* pid.synergy */
    double  synergy_error;                   /* standard deviation of I(X;Y) over the shuffles */
    i64     occupied;                        /* cells of the table with a sample */
    i64     samples;
    int     bins[MML_PID_SOURCES];           /* kmeans, quantile: occupied; argmax: classes */
    double  seconds;
} MmlProbeResult;

/* kmeans(20, pca = 5), 4 restarts, L2, adjusted, newton. */
MmlProbeOptions mml_probe_defaults(void);

/* features[m]: [n, width[m]] (argmax: the heads' logits, width = classes);
 * labels[n] in [0, classes). n >= 1; modalities >= 2, mutual_only >= 1.
 * Degenerate input (equal rows, fewer distinct rows than k, one class) gives
 * fewer bins, not an error.
 *
 * With five modalities or more (four, when their bins make more than 20,000
 * tuples) each is decomposed against one clustering of all others' joined
 * features (argmax: the sum of their logits): unique[k] is of k against the
 * rest. Total and synergy are those of the table of least union information,
 * which bounds that of all modalities from above; redundancy is the sum of
 * mutual less it, and q and dual are NULL.
 *
 * The result depends on the number of threads and
 * nothing else of the machine. Fails with MML_ENUMERIC on NaN or infinite
 * features, naming the modality (from 0), sample and column; MML_EINPUT on wrong
 * options, labels out of range and tables too large for the decomposition. */
Status mml_probe(const MmlProbeOptions *options, int modalities, i64 n,
                 const float *const *features, const int *width, const i64 *labels, int classes,
                 MmlThreads *threads, MmlArena *arena, MmlProbeResult *out);

/* ---- Clusters, and decompositions in a loss ----
 * What a soft assignment needs of one modality's clusters, in one block of
 * floats: [0] how many there are (0: not fitted), at most `bins`; [1] their
 * spread, the mean squared distance of the samples from their centres; with
 * components > 0 the mean [width] of the (normalised) features and the principal
 * components [components, width]; then the centres [bins, components or width].
 */
i64 mml_clusters_floats(i64 width, i64 components, i64 bins);

/* The clusters that mml_probe finds with these options (bins = kmeans). pca above
 * width counts as width. Fails as mml_probe does. */
Status mml_clusters_fit(const MmlProbeOptions *options, int modality, const float *features, i64 n, int width,
                        MmlThreads *threads, MmlArena *arena, float *clusters);

/* Memory and the last failure of the decompositions of a step (mml/abi.def,
 * decompose). Used by one frame at a time. */
typedef struct MmlDecomposer MmlDecomposer;

/* cells, unknowns ((bins 1 + bins 2) * labels): of the largest table. Larger ones allocate in each step. */
Status      mml_decomposer_new(i64 cells, i64 unknowns, MmlDecomposer **out);
void        mml_decomposer_free(MmlDecomposer *decomposer);
/* Why a decomposition since the last call gave NaN, or NULL. */
const char *mml_decomposer_failure(MmlDecomposer *decomposer);

#endif
