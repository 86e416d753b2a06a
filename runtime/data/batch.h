/* One sample of a batch at a time: what mml_data_batch and the loader share. */
#ifndef DATA_BATCH_H
#define DATA_BATCH_H

#include "data/state.h"

typedef struct {
    const i64    *rows;              /* [n]                                          */
    i64           n;
    DataDraw      draw;              /* split, epoch, augment and seed               */
    float *const *inputs;            /* [modalities] -> [n, size]                    */
    i64          *labels, *samples;  /* [n]                                          */
} DataBatch;

DataDraw mml_batch_draw(const MmlData *data, MmlSplit split, i64 epoch, int augment);

/* MML_EBUG for a row outside the split. */
Status mml_batch_check(const MmlData *data, MmlSplit split, const i64 *rows, i64 n);

/* Fetches what sample i is made of into the CPU's cache, where it is known: rows come in any order, and memory is slow to begin. */
void   mml_batch_fetch(const MmlData *data, const DataBatch *batch, i64 i);

/* Sample i into its place of the batch. 0 when one of its values isn't finite. scratch: what the most demanding
 * pipeline needs. Threads may run it at once, for other samples and with scratch of their own. */
int    mml_batch_place(const MmlData *data, const DataBatch *batch, i64 i, float *scratch);

/* Why sample i of a filled batch isn't finite: MML_EDATA naming step and sample. */
Status mml_batch_explain(const MmlData *data, const DataBatch *batch, i64 i, float *scratch);

#endif
