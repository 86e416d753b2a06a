/* A method's loss and prediction as operations of a joint step's graph. */
#ifndef IR_LOSS_H
#define IR_LOSS_H

#include "ir/graph.h"

/* What a joint step has computed already, and what it computes when first read. */
typedef struct {
    Builder *b;
    int      features[MML_MAX_MODALITIES];
    int      joint;
    int      splits[MML_MAX_MODALITIES], split_known[MML_MAX_MODALITIES];
} JointParts;

/* Logits of modality m's head, of its part of the fused logits. */
int joint_head(JointParts *parts, int m);
int joint_split(JointParts *parts, int m);

/* The tensor of a typed value: fixed for loss and real, [batch] for samples,
 * [batch, width] for logits and features. */
int loss_lower(JointParts *parts, const Value *value);

#endif
