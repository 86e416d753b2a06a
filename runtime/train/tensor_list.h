/* The tensors and texts of a checkpoint, as one list that writing and reading share. */
#ifndef TRAIN_TENSOR_LIST_H
#define TRAIN_TENSOR_LIST_H

#include "train/run.h"
#include "train/safetensors.h"

#define MML_CHECKPOINT_FORMAT "mml-checkpoint/1"

typedef struct {
    MmlArena    *arena;
    int          writing;         /* 1: texts in rule states are left out of their words */
    MmlTensor   *tensors;         /* data: where it lies in run                          */
    i64          count, room;
    MmlMetadata *metadata;
    i64          metadata_count;
    Status       status;          /* MML_ENOMEM when the list is not whole               */
} MmlTensorList;

/* Parameters and statistics under their published names. */
void mml_list_parameters(MmlTensorList *list, MmlRun *run);

/* The same with num_batches_tracked of each batch norm and what the data learned. */
MmlTensorList mml_list_weights(MmlRun *run, MmlArena *arena, int writing);

/* Clusters of soft assignments. */
void mml_list_clusters(MmlTensorList *list, MmlRun *run);

/* All that going on needs. */
MmlTensorList mml_list_all(MmlRun *run, MmlArena *arena, int writing);

typedef void (*MmlTextVisitor)(MmlTensorList *list, const char *key, const char **text, void *context);

/* Visits every text in the rules' states: a pointer in memory, so it is kept by its words. */
void mml_each_state_text(MmlTensorList *list, MmlRun *run, MmlTextVisitor visit, void *context);

int mml_same_shape(const MmlTensor *a, const MmlTensor *b);

/* Fails with MML_EDATA: file has no tensor like here, or one of another shape. */
Status mml_tensor_differs(const MmlSafetensors *file, const MmlTensor *here);

#endif
