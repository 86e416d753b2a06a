/* Forward graphs of the steps. */
#ifndef IR_BUILD_H
#define IR_BUILD_H

#include "ir/ir.h"

/* A step of a unimodal stage: each modality's encoder, head and cross-entropy
 * (train: with its reverse sweep right behind, so that modalities share memory). */
Step *build_unimodal(Arena *arena, const Program *program, const char *name, KernelHost host, int train);

/* A step of a joint stage: encoders, the heads that are read (evaluation: all),
 * fusion, loss, prediction (train: and the reverse sweep). */
Step *build_joint(Arena *arena, const Program *program, const Stage *stage, const char *name, KernelHost host,
                  int train);

#endif
