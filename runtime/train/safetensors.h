/* The safetensors format: an 8-byte little-endian header length, a JSON
 * header {"name": {"dtype", "shape", "data_offsets"}, …, "__metadata__":
 * {text: text}}, then the data, one tensor behind the other without a hole.
 */
#ifndef TRAIN_SAFETENSORS_H
#define TRAIN_SAFETENSORS_H

#include "mml/experiment.h"

typedef enum { MML_DTYPE_F32, MML_DTYPE_F64, MML_DTYPE_I64, MML_DTYPE_U8, MML_DTYPE_OTHER } MmlDtype;

#define MML_TENSOR_RANK 8

typedef struct {
    const char *name;
    MmlDtype    dtype;
    int         rank;
    i64         size[MML_TENSOR_RANK];
    i64         count;                  /* elements                                  */
    void       *data;                   /* to write; unused when reading             */
    i64         begin, bytes;           /* place in the data section; set by reading */
} MmlTensor;

typedef struct { const char *key, *value; } MmlMetadata;

/* Bytes of the finished file. */
i64 mml_safetensors_size(const MmlTensor *tensors, i64 count, const MmlMetadata *metadata, i64 metadata_count);

/* Replaces path whole (train/files.h). Tensors of 8-byte elements go first, so that all are aligned. */
Status mml_safetensors_write(const char *path, const MmlTensor *tensors, i64 count,
                             const MmlMetadata *metadata, i64 metadata_count);

typedef struct MmlSafetensors MmlSafetensors;

/* Reads and checks the header: dtypes, shapes, offsets without hole or overlap,
 * the file's length. MML_EDATA naming the file and what is wrong. */
Status mml_safetensors_open(const char *path, MmlSafetensors **out);
void   mml_safetensors_close(MmlSafetensors *file);                       /* NULL is fine */
const char *mml_safetensors_path(const MmlSafetensors *file);
i64    mml_safetensors_count(const MmlSafetensors *file);
const MmlTensor *mml_safetensors_at(const MmlSafetensors *file, i64 index);
const MmlTensor *mml_safetensors_find(const MmlSafetensors *file, const char *name);    /* or NULL */
const char *mml_safetensors_metadata(const MmlSafetensors *file, const char *key);      /* or NULL */
/* Reads a tensor's bytes into out. */
Status mml_safetensors_read(const MmlSafetensors *file, const MmlTensor *tensor, void *out);

/* "[64, 3, 7, 7]" */
const char *mml_tensor_shape_text(const MmlTensor *tensor, char text[160]);

#endif
