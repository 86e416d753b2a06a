/* The numbers of a model: parameters, statistics, gradients, optimiser memory. */
#ifndef TRAIN_MODEL_H
#define TRAIN_MODEL_H

#include "mml/nn.h"

#define MML_MAX_GROUPS (MML_MAX_MODALITIES + 1)

typedef struct {
    const MmlExperiment *experiment;
    float *parameters, *gradients;        /* [parameter_floats]                                     */
    float *statistics;                    /* [statistic_floats]                                     */
    float *first, *second;                /* optimiser memory; second is NULL when none needs it    */
    i64   *updates;                       /* [parameter_count] updates by the present optimiser     */
    i64    tracked[MML_MAX_GROUPS];       /* batches that a group's batch norms have tracked        */
    MmlInitialisation *fresh;             /* parameters that are still being drawn; NULL: all are   */
} MmlModel;

/* Fresh weights by the seed; needs_second: some stage's optimiser is adam or adamw. They are drawn beside what follows, until
 * mml_model_ready; mml_model_free, of a model of zeros too, comes before the arena is freed. */
Status mml_model_new(const MmlExperiment *experiment, u64 seed, int needs_second, MmlThreads *threads, MmlArena *arena, MmlModel *out);
void mml_model_ready(MmlModel *model, MmlThreads *threads);
void mml_model_free(MmlModel *model);

/* Fresh optimiser memory. */
void mml_model_forget_updates(MmlModel *model);

/* The name of the first parameter with a NaN or an infinity, or NULL. */
const char *mml_model_first_bad(const MmlModel *model);

#endif
