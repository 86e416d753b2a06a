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

/* The sample at `row` of draw.split: values[m] gets the size of modality m. 0 when one of
 * them isn't finite. scratch: what the most demanding pipeline needs. A pure function but
 * for values and scratch: threads may run it at once. */
int    mml_batch_sample(const MmlData *data, i64 row, DataDraw draw, float *const *values, i64 *label, i64 *sample,
                        float *scratch);

/* Sample i into its place of the batch. */
int    mml_batch_place(const MmlData *data, const DataBatch *batch, i64 i, float *scratch);

/* Why sample i of a filled batch isn't finite: MML_EDATA naming step and sample. */
Status mml_batch_explain(const MmlData *data, const DataBatch *batch, i64 i, float *scratch);

#endif
