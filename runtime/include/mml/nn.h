/* Kernels, initialisation and optimisers. Kernel contracts: mml/abi.def. */
#ifndef MML_NN_H
#define MML_NN_H

#include "mml/branches.h"
#include "mml/experiment.h"
#include "mml/random.h"
#include "mml/threads.h"

#define MML_KERNEL(name, scratch) void mml_##name(MmlFrame *frame, const MmlValue *attr, float *const *operand);
#define MML_RULE(name, result, arguments) result mml_##name arguments;
#include "mml/abi.def"
#undef MML_KERNEL
#undef MML_RULE

/* Fills every parameter by its init and every statistic by its start; parameter
 * i draws from its own stream, whatever the threads (NULL: one). */
void mml_initialise(const MmlExperiment *experiment, u64 seed, MmlThreads *threads, float *parameters, float *statistics);

/* The same beside something else, for instance reading data. With more than one of `threads`, which it doesn't use, a thread
 * of its own draws what is worth it from _begin on; _end draws what is left by all threads and waits, _abandon breaks it off.
 * Both free it; NULL is let pass. */
typedef struct MmlInitialisation MmlInitialisation;
Status mml_initialise_begin(const MmlExperiment *experiment, u64 seed, const MmlThreads *threads, float *parameters, float *statistics,
                            MmlInitialisation **out);
void   mml_initialise_end(MmlInitialisation *initialisation, MmlThreads *threads);
void   mml_initialise_abandon(MmlInitialisation *initialisation);

typedef enum { MML_SGD, MML_ADAM } MmlOptimizerKind;

typedef struct {
    MmlOptimizerKind kind;
    double lr, weight_decay;
    double momentum;  int nesterov;          /* sgd  */
    double beta1, beta2, eps;                /* adam */
} MmlOptimizer;

/* One update of count parameters.
 * sgd: g += decay * p; v = momentum * v + g (first use: v = g); p -= lr * v
 * (methods.md section 1; nesterov as in PyTorch). adam: bias-corrected, coupled
 * decay (PyTorch's Adam). first[count] and second[count] are the optimiser's
 * memory, steps the number of updates these parameters have had before. Each parameter for itself: to update
 * pieces of them gives the same. */
void mml_optimizer_step(const MmlOptimizer *o, i64 count, i64 steps, float *p, const float *g, float *first, float *second);

/* Mean cross-entropy (nats) and number of right predictions of logits [n, k]; for logs. */
void mml_score(const float *logits, const i64 *labels, i64 n, i64 k, double *cross_entropy, i64 *right);

#endif
