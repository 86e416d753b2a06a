/* What a step costs: for `mmlc check --explain`. */
#ifndef IR_SUMMARY_H
#define IR_SUMMARY_H

#include "ir/ir.h"

typedef struct {
    const char *name;                   /* "train.joint"                                 */
    int64_t     fixed_bytes, sample_bytes, thread_bytes;   /* of the arena; the last for each thread */
    int64_t     forward_flops;          /* of one sample; a multiply-add counts 2        */
    int64_t     flops;                  /* with the reverse sweep                        */
    int64_t     parameters;             /* floats that this step trains                  */
} StepSummary;

StepSummary step_summary(const Step *step);

#endif
